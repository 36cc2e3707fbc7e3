import { type ArgumentsHost, Catch, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { toOpenAiError } from './openai-error.js';

/** Gives every error the status and body that OpenAI would. */
@Catch()
export class OpenAiExceptionFilter implements ExceptionFilter {
  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const reply = http.getResponse<FastifyReply>();
    const request = http.getRequest<FastifyRequest>();
    request.record?.fail(error);
    const { status, body, headers = {} } = toOpenAiError(error);
    if (status === 500) request.log.error({ err: error }, 'request failed');
    if (reply.sent || reply.raw.destroyed) return;
    void reply.status(status).headers(headers).send(body);
  }
}
