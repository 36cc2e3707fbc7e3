import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Config } from '../config/config.js';
import { ANONYMOUS, ApiKeys, keysIn } from './api-keys.js';
import { UnauthorizedError } from './errors.js';
import { type Quota, Quotas } from './quotas.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who sends it: the first digits of the hash of its key, or `anonymous`. For logs, quotas and fairness. */
    client: string;
    /** What the client may still do; null for a request that does not count. */
    quota: Quota | null;
  }
}

/** What only reads costs nothing. */
const FREE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Asks every request for a key, if there are keys, but those for routes that are marked `Public`; and counts what costs
 * something. This comes after routing, so that it is the route that matters and not how its path was written, and before
 * the body is read. It holds for whatever the server answers: routes of modules, files, paths that are not there.
 */
export function useAccessControl(app: NestFastifyApplication, config: Config): void {
  const fastify = app.getHttpAdapter().getInstance();
  const keys = new ApiKeys(config.apiKeyHashes);
  const open: ReadonlySet<string | undefined> = new Set(['always', ...config.publicRoutes]);
  const quotas = new Quotas({ requests: config.requestsPerMinute, tokens: config.tokensPerMinute });
  fastify.decorateRequest('client', ANONYMOUS);
  fastify.decorateRequest('quota', null);
  fastify.addHook('onRequest', (request, reply, done) => {
    const client = keys.clientOf(request.headers);
    if (client === undefined) {
      return open.has(request.routeOptions.config.public) ? done() : done(refuse(keysIn(request.headers)));
    }
    request.client = client;
    if (FREE_METHODS.has(request.method)) return done();
    request.quota = quotas.of(client);
    const refusal = request.quota.admit();
    void reply.headers(request.quota.headers());
    done(refusal);
  });
}

function refuse(given: readonly string[]): UnauthorizedError {
  return new UnauthorizedError(
    given.length > 0
      ? 'The API key is not known'
      : 'An API key is needed, in the header Authorization: Bearer or x-api-key',
  );
}
