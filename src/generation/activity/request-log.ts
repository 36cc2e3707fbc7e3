import { setImmediate as nextTurn } from 'node:timers/promises';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Config } from '../../config/config.js';
import { Activity } from './activity.js';
import { RequestRecord } from './request-record.js';

/** nginx's number for a client that closed the connection before there was an answer. */
const CLIENT_CLOSED_REQUEST = 499;

/**
 * Keeps a record of every request, and writes it down in one line of the log at its end, however it ends. Has to come
 * before whatever may refuse a request. The application has closed only when every line is written: a process that ends
 * takes what is not written with it.
 */
export function useRequestLog(app: NestFastifyApplication, { logPrompts }: Pick<Config, 'logPrompts'>): void {
  const activity = app.get(Activity);
  const fastify = app.getHttpAdapter().getInstance();
  const running = new Set<RequestRecord>();
  fastify.decorateRequest('record');
  fastify.addHook('onRequest', (request, { raw }, done) => {
    const record = new RequestRecord(request.method, request.routeOptions.url, one(request.headers.traceparent));
    request.record = record;
    running.add(record);
    const end = (): void => {
      running.delete(record);
      record.end(raw.headersSent ? raw.statusCode : CLIENT_CLOSED_REQUEST, !raw.writableFinished);
      activity.requestEnded(record);
      request.quota?.spend('tokens', record.promptTokens + record.newTokens);
      // There is one every few seconds.
      request.log[record.isProbe ? 'debug' : 'info'](
        { client: request.client, ...lineOf(record, logPrompts) },
        'request',
      );
    };
    // What the end of the connection ends, ends first.
    raw.once('close', () => setImmediate(end));
    record.within(done);
  });
  // No connection is left by now, but what follows from their end may not have had its turn.
  fastify.addHook('onClose', async () => {
    while (running.size > 0) await nextTurn();
  });
  // The body comes by events of the socket, to which the request is nothing.
  fastify.addHook('preValidation', ({ record, client }, _, done) => {
    if (!record) return done();
    record.client = client;
    record.within(done);
  });
}

/** What the log says of a request. Never the prompt, unless the operator asked for it, and never a key. */
function lineOf(record: RequestRecord, logPrompts: boolean): object {
  const { began, ended, generations, prompts } = record;
  const queued = generations.flatMap(({ timings: { queued, started } }) =>
    queued === undefined || started === undefined ? [] : started - queued,
  );
  const firstTokens = generations.flatMap(({ timings: { firstToken } }) => firstToken ?? []);
  return {
    trace_id: record.traceId,
    method: record.method,
    route: record.route,
    status: record.status,
    outcome: record.outcomes.join(', '),
    ...(generations.length > 0 && {
      prompt_tokens: record.promptTokens,
      cached_tokens: record.cachedTokens,
      new_tokens: record.newTokens,
    }),
    ...(queued.length > 0 && { queue_ms: rounded(Math.max(...queued)) }),
    ...(firstTokens.length > 0 && { first_token_ms: rounded(Math.min(...firstTokens) - began) }),
    duration_ms: rounded(ended - began),
    ...(logPrompts && prompts.length > 0 && { prompts }),
  };
}

function one(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' ? header : undefined;
}

function rounded(ms: number): number {
  return Math.round(100 * ms) / 100;
}
