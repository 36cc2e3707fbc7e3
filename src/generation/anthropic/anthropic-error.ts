import { HttpException } from '@nestjs/common';
import { STATUS_CODES } from 'node:http';
import { RequestValidationError, type ValidationFault } from '../../common/fastapi/validation-fault.js';
import { InvalidJsonError } from '../../common/http/json-body.js';
import { BODY_TOO_LARGE, UnreadableRequestError } from '../../common/http/unreadable-request.error.js';
import { type RefusalReason, RefusedError } from '../../common/refused.error.js';
import { InferenceError } from '../../inference/inference-provider.js';
import { ModelNotLoadedError } from '../../inference/model-not-loaded.error.js';
import { ModelNotFoundError } from '../served-model.js';
import type { AnthropicErrorBody, ErrorType } from './dto/anthropic-error.dto.js';

export interface AnthropicError {
  readonly status: number;
  readonly type: ErrorType;
  readonly message: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Nobody reads it: the client closed the connection (the number is nginx's). */
const CLIENT_CLOSED_REQUEST = 499;

/** Any error as Anthropic would tell it. */
export function toAnthropicError(error: unknown): AnthropicError {
  if (error instanceof RequestValidationError) return invalid(error.faults.map(describe).join('; '));
  if (error instanceof ModelNotFoundError) return { status: 404, type: 'not_found_error', message: error.message };
  if (error instanceof ModelNotLoadedError) return notLoaded(error.message);
  if (error instanceof RefusedError) {
    return { status: error.status, type: REFUSALS[error.reason], message: error.message, headers: error.headers };
  }
  if (error instanceof InvalidJsonError) return invalid(`The body is no valid JSON: ${error.message}`);
  if (error instanceof InferenceError) return ofInference(error);
  if (error instanceof UnreadableRequestError) return { ...invalid(error.message), status: error.statusCode };
  if (error instanceof HttpException) return ofStatus(error.getStatus());
  // What Fastify throws before a request reaches a handler.
  if (error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number') {
    return ofStatus(error.statusCode);
  }
  return { status: 500, type: 'api_error', message: 'Internal Server Error' };
}

export function errorBody({ type, message }: AnthropicError, requestId: string): AnthropicErrorBody {
  return { type: 'error', error: { type, message }, request_id: requestId };
}

const REFUSALS: Readonly<Record<RefusalReason, ErrorType>> = {
  unauthorized: 'authentication_error',
  rate_limited: 'rate_limit_error',
  overloaded: 'overloaded_error',
  draining: 'overloaded_error',
};

/** The place as Anthropic writes it: `messages.0.content`. */
function describe({ loc: [, ...path], msg }: ValidationFault): string {
  return path.length === 0 ? msg : `${path.join('.')}: ${msg}`;
}

function invalid(message: string): AnthropicError {
  return { status: 400, type: 'invalid_request_error', message };
}

function notLoaded(message: string): AnthropicError {
  return { status: 503, type: 'api_error', message };
}

function ofInference({ code, message }: InferenceError): AnthropicError {
  switch (code) {
    case 'prompt_too_long':
    case 'request_invalid':
    case 'template_failed':
    case 'grammar_invalid':
      return invalid(message);
    case 'not_loaded':
      return notLoaded(new ModelNotLoadedError().message);
    case 'cancelled':
      return { status: CLIENT_CLOSED_REQUEST, type: 'api_error', message };
    case 'runtime_failed':
    case 'model_invalid':
    case 'model_unsupported':
    case 'device_unavailable':
      return { status: 500, type: 'api_error', message: `Generation failed: ${message}` };
  }
}

function ofStatus(status: number): AnthropicError {
  switch (status) {
    case 404:
      return { status, type: 'not_found_error', message: 'There is nothing at this URL' };
    case 405:
      return { status, type: 'invalid_request_error', message: 'This URL does not have this method' };
    case 413:
      return { status, type: 'request_too_large', message: BODY_TOO_LARGE };
    case 415:
      return invalid('The body must be JSON, with the header Content-Type: application/json');
    default: {
      const type = status < 500 ? 'invalid_request_error' : 'api_error';
      return { status, type, message: STATUS_CODES[status] ?? 'Error' };
    }
  }
}
