import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyBaseLogger, FastifyRequest } from 'fastify';

/** The log of this request: every line carries its id. */
export const RequestLog = createParamDecorator(
  (_: unknown, context: ExecutionContext): FastifyBaseLogger => context.switchToHttp().getRequest<FastifyRequest>().log,
);
