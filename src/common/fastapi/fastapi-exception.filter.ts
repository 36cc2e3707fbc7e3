import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { STATUS_CODES } from 'node:http';
import { ModelNotLoadedError } from '../../inference/model-not-loaded.error.js';
import { InvalidJsonError } from '../http/json-body.js';
import { BODY_TOO_LARGE, UnreadableRequestError } from '../http/unreadable-request.error.js';
import { RefusedError } from '../refused.error.js';
import { RequestValidationError, type ValidationFault } from './validation-fault.js';

/** A status and the `detail` that goes with it. */
export interface ErrorAnswer {
  readonly status: number;
  readonly detail: string | readonly ValidationFault[];
  readonly headers?: Readonly<Record<string, string>>;
}

/** Gives every error the status and body that FastAPI would: `{"detail": …}`. */
@Catch()
export class FastApiExceptionFilter implements ExceptionFilter {
  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    sendError(toAnswer(error), error, http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>());
  }
}

/** Sends an error unless the client is gone or has its answer; what is the server's fault is logged. */
export function sendError(
  { status, detail, headers = {} }: ErrorAnswer,
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  request.record?.fail(error);
  if (status === 500) request.log.error({ err: error }, 'request failed');
  if (reply.sent || reply.raw.destroyed) return;
  void reply.status(status).headers(headers).send({ detail });
}

function toAnswer(error: unknown): ErrorAnswer {
  if (error instanceof RequestValidationError) return { status: 422, detail: error.faults };
  if (error instanceof RefusedError) return { status: error.status, detail: error.message, headers: error.headers };
  if (error instanceof ModelNotLoadedError) return { status: 503, detail: error.message };
  if (error instanceof InvalidJsonError) return { status: 422, detail: [jsonFault(error)] };
  if (error instanceof UnreadableRequestError) return { status: error.statusCode, detail: error.message };
  if (error instanceof HttpException) return toHttpAnswer(error.getStatus());
  if (isFastifyError(error)) return toHttpAnswer(error.statusCode);
  return { status: 500, detail: phrase(500) };
}

/** What Fastify throws before a request reaches a handler: it has the status, and often a code. */
function isFastifyError(error: unknown): error is Error & { readonly statusCode: number } {
  return error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number';
}

function toHttpAnswer(status: number): ErrorAnswer {
  if (status === 413) return { status, detail: BODY_TOO_LARGE };
  if (status !== 415) return { status, detail: phrase(status) };
  const msg = 'Input should be JSON, with the header Content-Type: application/json';
  return { status: 422, detail: [{ type: 'model_attributes_type', loc: ['body'], msg, input: null }] };
}

/** FastAPI's fault for a body that is not JSON; its `loc` says at which character. */
function jsonFault({ message, position }: InvalidJsonError): ValidationFault {
  const loc = position === undefined ? ['body'] : ['body', position];
  return { type: 'json_invalid', loc, msg: 'JSON decode error', input: {}, ctx: { error: message } };
}

function phrase(status: number): string {
  return STATUS_CODES[status] ?? 'Error';
}
