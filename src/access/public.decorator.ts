import { RouteConfig } from '@nestjs/platform-fastify';
import type { Config } from '../config/config.js';

/** Whom a route is for: everyone, or everyone if the operator says so; without, only those who have a key. */
export type PublicRoute = 'always' | Config['publicRoutes'][number];

declare module 'fastify' {
  interface FastifyContextConfig {
    public?: PublicRoute;
  }
}

/** Marks a route that needs no key; all others do. */
export function Public(when: PublicRoute = 'always'): MethodDecorator {
  return RouteConfig({ public: when });
}
