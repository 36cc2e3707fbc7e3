import type { NestFastifyApplication } from '@nestjs/platform-fastify';

/** What a page of another origin may read of an answer, beside its body. */
const EXPOSED_HEADERS = ['retry-after', 'x-request-id', ...rateLimitHeaders()];

/**
 * What browsers are told: pages of other origins may use this server only if their origin is listed, and a page from
 * here (there is one, Swagger UI) loads nothing from elsewhere.
 *
 * @param origins none, or `*` for all
 */
export function useBrowserRules(app: NestFastifyApplication, origins: readonly string[]): void {
  app.useSecurityHeaders({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        'default-src': ["'self'"],
        'style-src': ["'self'", "'unsafe-inline'"],
        'img-src': ["'self'", 'data:'],
        'object-src': ["'none'"],
        'base-uri': ["'none'"],
        'frame-ancestors': ["'none'"],
      },
    },
    xFrameOptions: { action: 'deny' },
    // These mean something only over TLS, which is for the proxy in front to speak; without it, browsers complain of them.
    strictTransportSecurity: false,
    crossOriginOpenerPolicy: false,
    originAgentCluster: false,
  });
  if (origins.length === 0) return;
  app.enableCors({
    origin: origins.includes('*') ? '*' : [...origins],
    methods: ['GET', 'POST'],
    exposedHeaders: EXPOSED_HEADERS,
  });
}

function rateLimitHeaders(): string[] {
  return ['limit', 'remaining', 'reset'].flatMap((what) =>
    ['requests', 'tokens'].map((unit) => `x-ratelimit-${what}-${unit}`),
  );
}
