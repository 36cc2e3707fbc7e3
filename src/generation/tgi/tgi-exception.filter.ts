import { type ArgumentsHost, Catch, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isOurFault, toTgiError } from './tgi-error.js';

/** Gives every error the status and body that text-generation-inference would. */
@Catch()
export class TgiExceptionFilter implements ExceptionFilter {
  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const reply = http.getResponse<FastifyReply>();
    const request = http.getRequest<FastifyRequest>();
    request.record?.fail(error);
    const { status, body, headers = {} } = toTgiError(error);
    if (isOurFault(status)) request.log.error({ err: error }, 'request failed');
    if (reply.sent || reply.raw.destroyed) return;
    void reply.status(status).headers(headers).send(body);
  }
}
