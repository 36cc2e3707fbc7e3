import { HttpException } from '@nestjs/common';
import { STATUS_CODES } from 'node:http';
import { RequestValidationError } from '../../common/fastapi/validation-fault.js';
import { InvalidJsonError } from '../../common/http/json-body.js';
import { BODY_TOO_LARGE, UnreadableRequestError } from '../../common/http/unreadable-request.error.js';
import { type RefusalReason, RefusedError } from '../../common/refused.error.js';
import { InferenceError } from '../../inference/inference-provider.js';
import { ModelNotLoadedError } from '../../inference/model-not-loaded.error.js';
import type { TgiErrorBody, TgiErrorType } from './dto/tgi-error.dto.js';

export interface TgiError {
  readonly status: number;
  readonly body: TgiErrorBody;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Nobody reads it: the client closed the connection (the number is nginx's). */
const CLIENT_CLOSED_REQUEST = 499;

/** Any error as text-generation-inference would tell it. */
export function toTgiError(error: unknown): TgiError {
  if (error instanceof RequestValidationError) return invalid(describeFaults(error));
  if (error instanceof RefusedError)
    return { ...answer(error.status, error.message, REFUSALS[error.reason]), headers: error.headers };
  if (error instanceof ModelNotLoadedError) return answer(503, error.message, 'model_not_loaded');
  if (error instanceof InvalidJsonError) return invalid(`the body is no valid JSON: ${error.message}`);
  if (error instanceof InferenceError) return ofInference(error);
  if (error instanceof UnreadableRequestError) return answer(error.statusCode, error.message, 'validation');
  if (error instanceof HttpException) return ofStatus(error.getStatus());
  if (isFastifyError(error)) return ofStatus(error.statusCode);
  return answer(500, 'Internal Server Error', 'generation');
}

/** It has one type for all that a client may do again later. */
const REFUSALS: Readonly<Record<RefusalReason, TgiErrorType>> = {
  unauthorized: 'unauthorized',
  rate_limited: 'overloaded',
  overloaded: 'overloaded',
  draining: 'draining',
};

/** What Fastify throws before a request reaches a handler. */
function isFastifyError(error: unknown): error is Error & { readonly statusCode: number } {
  return error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number';
}

function describeFaults({ faults }: RequestValidationError): string {
  return faults
    .map(({ loc: [, ...place], msg }) => (place.length === 0 ? msg : `${place.join('.')}: ${msg}`))
    .join('; ');
}

function ofInference({ code, message }: InferenceError): TgiError {
  switch (code) {
    case 'prompt_too_long':
    case 'request_invalid':
    case 'grammar_invalid':
    case 'template_failed':
      return invalid(message);
    case 'not_loaded':
      return answer(500, `Incomplete generation: ${message}`, 'incomplete_generation');
    case 'cancelled':
      return answer(CLIENT_CLOSED_REQUEST, message, 'incomplete_generation');
    case 'runtime_failed':
    case 'model_invalid':
    case 'model_unsupported':
    case 'device_unavailable':
      return answer(424, `Request failed during generation: ${message}`, 'generation');
  }
}

function ofStatus(status: number): TgiError {
  if (status === 413) return answer(413, BODY_TOO_LARGE, 'validation');
  if (status === 415) return invalid('the body must be JSON, with the header Content-Type: application/json');
  return answer(status, STATUS_CODES[status] ?? 'Error', status < 500 ? 'validation' : 'generation');
}

function invalid(message: string): TgiError {
  return answer(422, `Input validation error: ${message}`, 'validation');
}

function answer(status: number, error: string, type: TgiErrorType): TgiError {
  return { status, body: { error, error_type: type } };
}

/** Whether an error is for the log; 424 is what this dialect says when the model fails. */
export function isOurFault(status: number): boolean {
  return status === 500 || status === 424;
}
