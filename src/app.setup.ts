import type { IncomingHttpHeaders } from 'node:http';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { type FastifyReply, type FastifyRequest, LogController } from 'fastify';
import type { Logger } from 'pino';
import { useConnections } from './common/http/connections.js';
import { useAccessControl } from './access/access-control.js';
import { useBrowserRules } from './common/http/browsers.js';
import { useJsonBodies } from './common/http/json-body.js';
import { useMethodNotAllowed } from './common/http/method-not-allowed.js';
import { REQUEST_ID_HEADER, requestId } from './common/http/request-id.js';
import type { Config } from './config/config.js';
import { CONFIG } from './config/config.module.js';

/** A request whose head and body take longer than this to arrive is given up: it would hold a socket for ever. */
const REQUEST_TIMEOUT_MS = 60_000;

/** The HTTP server beneath the application. */
export function createHttpAdapter(logger: Logger): FastifyAdapter {
  return new FastifyAdapter({
    loggerInstance: logger,
    // A generation writes one line, when it is known what it did; Fastify's two would say less.
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'request_id' }),
    genReqId: ({ headers }: { headers: IncomingHttpHeaders }) => requestId(headers),
    requestTimeout: REQUEST_TIMEOUT_MS,
    // A path that cannot be decoded reaches no route, and so no filter.
    frameworkErrors: (_error: Error, request: FastifyRequest, reply: FastifyReply) => {
      void reply.header(REQUEST_ID_HEADER, request.id).status(400).send({ detail: 'Bad Request' });
    },
  });
}

/** What the application needs beyond its modules; the server and the tests that run it in their process share this. */
export function configureApp(app: NestFastifyApplication): void {
  const fastify = app.getHttpAdapter().getInstance();
  fastify.addHook('onRequest', (request, reply, done) => {
    void reply.header(REQUEST_ID_HEADER, request.id);
    done();
  });
  useConnections(app);
  const config = app.get<Config>(CONFIG);
  useBrowserRules(app, config.corsOrigins);
  useAccessControl(app, config);
  useMethodNotAllowed(app);
  useJsonBodies(app);
}
