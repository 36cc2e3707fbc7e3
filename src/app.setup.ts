import type { IncomingHttpHeaders } from 'node:http';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { type FastifyReply, type FastifyRequest, LogController } from 'fastify';
import type { Logger } from 'pino';
import { Admission } from './generation/admission/admission.js';
import { useConnections } from './common/http/connections.js';
import { useAccessControl } from './access/access-control.js';
import { useBrowserRules } from './common/http/browsers.js';
import { useJsonBodies } from './common/http/json-body.js';
import { useMethodNotAllowed } from './common/http/method-not-allowed.js';
import { REQUEST_ID_HEADER, requestId } from './common/http/request-id.js';
import { UnreadableUrlError } from './common/http/unreadable-request.error.js';
import type { Config } from './config/config.js';
import { CONFIG } from './config/config.module.js';
import { DialectExceptionFilter } from './generation/dialect-exception.filter.js';
import { useRequestLog } from './generation/activity/request-log.js';

export interface ArrivalLimits {
  /** Milliseconds that the head and the body of a request may take to arrive. */
  readonly requestTimeout: number;
  /** Every so many milliseconds Node looks which connections have taken longer. */
  readonly checkInterval: number;
}

/** Who is slower than this is given up: the request would hold a socket for ever. */
const ARRIVAL_LIMITS: ArrivalLimits = { requestTimeout: 60_000, checkInterval: 5_000 };

/** The HTTP server beneath the application. */
export function createHttpAdapter(
  logger: Logger,
  { requestTimeout, checkInterval }: ArrivalLimits = ARRIVAL_LIMITS,
): FastifyAdapter {
  return new FastifyAdapter({
    loggerInstance: logger,
    // A generation writes one line, when it is known what it did; Fastify's two would say less.
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'request_id' }),
    genReqId: ({ headers }: { headers: IncomingHttpHeaders }) => requestId(headers),
    requestTimeout,
    // Of two limits of which that of the head is longer, Node would take the longer one for both.
    http: { headersTimeout: requestTimeout, connectionsCheckingInterval: checkInterval },
    // A path that cannot be decoded reaches no route and no hook, and so no filter.
    frameworkErrors: (_error: Error, request: FastifyRequest, reply: FastifyReply) => {
      request.log.info({ method: request.method, status: 400, outcome: 'invalid' }, 'request');
      void reply.header(REQUEST_ID_HEADER, request.id);
      new DialectExceptionFilter().catch(new UnreadableUrlError(), new ExecutionContextHost([request, reply]));
    },
  });
}

/** What the application needs beyond its modules; the server and the tests that run it in their process share this. */
export function configureApp(app: NestFastifyApplication): void {
  const fastify = app.getHttpAdapter().getInstance();
  const admission = app.get(Admission);
  fastify.addHook('onRequest', (request, reply, done) => {
    void reply.header(REQUEST_ID_HEADER, request.id);
    // The client's next request finds a server that goes on.
    if (admission.draining) void reply.header('connection', 'close');
    done();
  });
  const config = app.get<Config>(CONFIG);
  useRequestLog(app, config);
  useConnections(app, config);
  useBrowserRules(app, config.corsOrigins);
  useAccessControl(app, config);
  useMethodNotAllowed(app);
  useJsonBodies(app);
}
