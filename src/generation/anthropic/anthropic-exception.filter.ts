import { type ArgumentsHost, Catch, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { errorBody, toAnthropicError } from './anthropic-error.js';
import { tellRequestId } from './request-id-header.js';

/** Gives every error the status and body that Anthropic would. */
@Catch()
export class AnthropicExceptionFilter implements ExceptionFilter {
  catch(error: unknown, host: ArgumentsHost): void {
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const told = toAnthropicError(error);
    if (told.status === 500) reply.log.error({ err: error }, 'request failed');
    if (reply.sent || reply.raw.destroyed) return;
    tellRequestId(reply);
    void reply
      .status(told.status)
      .headers(told.headers ?? {})
      .send(errorBody(told, reply.request.id));
  }
}
