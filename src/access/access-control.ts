import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Config } from '../config/config.js';
import { ANONYMOUS, ApiKeys, keysIn } from './api-keys.js';
import { UnauthorizedError } from './errors.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who sends it: the first digits of the hash of its key, or `anonymous`. For logs, quotas and fairness. */
    client: string;
  }
}

/**
 * Asks every request for a key, if there are keys, but those for routes that are marked `Public`. This comes after
 * routing, so that it is the route that counts and not how its path was written, and before the body is read. It holds
 * for whatever the server answers: routes of modules, files, paths that are not there.
 */
export function useAccessControl(app: NestFastifyApplication, { apiKeyHashes, publicRoutes }: Config): void {
  const fastify = app.getHttpAdapter().getInstance();
  const keys = new ApiKeys(apiKeyHashes);
  const open: ReadonlySet<string | undefined> = new Set(['always', ...publicRoutes]);
  fastify.decorateRequest('client', ANONYMOUS);
  fastify.addHook('onRequest', (request, _reply, done) => {
    const client = keys.clientOf(request.headers);
    if (client !== undefined) request.client = client;
    else if (!open.has(request.routeOptions.config.public)) return done(refuse(keysIn(request.headers)));
    done();
  });
}

function refuse(given: readonly string[]): UnauthorizedError {
  return new UnauthorizedError(
    given.length > 0
      ? 'The API key is not known'
      : 'An API key is needed, in the header Authorization: Bearer or x-api-key',
  );
}
