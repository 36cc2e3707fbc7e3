import { type ArgumentsHost, Catch, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { RefusedError } from '../../access/errors.js';
import { toOpenAiError } from './openai-error.js';

/** Gives every error the status and body that OpenAI would. */
@Catch()
export class OpenAiExceptionFilter implements ExceptionFilter {
  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const reply = http.getResponse<FastifyReply>();
    const { status, body } = toOpenAiError(error);
    if (status === 500) http.getRequest<FastifyRequest>().log.error({ err: error }, 'request failed');
    if (reply.sent || reply.raw.destroyed) return;
    if (error instanceof RefusedError) void reply.headers(error.headers);
    void reply.status(status).send(body);
  }
}
