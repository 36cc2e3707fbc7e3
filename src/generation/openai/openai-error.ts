import { HttpException } from '@nestjs/common';
import { STATUS_CODES } from 'node:http';
import { RequestValidationError, type ValidationFault } from '../../common/fastapi/validation-fault.js';
import { InvalidJsonError } from '../../common/http/json-body.js';
import { BODY_TOO_LARGE, UnreadableRequestError } from '../../common/http/unreadable-request.error.js';
import { type RefusalReason, RefusedError } from '../../common/refused.error.js';
import { InferenceError } from '../../inference/inference-provider.js';
import { ModelNotLoadedError } from '../../inference/model-not-loaded.error.js';
import { ModelNotFoundError } from '../served-model.js';
import { ResponseNotStoredError } from './responses/response-not-stored.error.js';
import type { OpenAiErrorBody, OpenAiErrorDetail } from './dto/openai-error.dto.js';

export interface OpenAiError {
  readonly status: number;
  readonly body: OpenAiErrorBody;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Nobody reads it: the client closed the connection (the number is nginx's). */
const CLIENT_CLOSED_REQUEST = 499;

/** Any error as OpenAI would tell it. */
export function toOpenAiError(error: unknown): OpenAiError {
  if (error instanceof RequestValidationError) return ofFaults(error.faults);
  if (error instanceof ModelNotFoundError) {
    return answer(404, error.message, { param: 'model', code: 'model_not_found' });
  }
  if (error instanceof ResponseNotStoredError) return answer(404, error.message, { code: 'response_not_found' });
  if (error instanceof ModelNotLoadedError) return answer(503, error.message, { code: 'model_not_loaded' });
  if (error instanceof InvalidJsonError) return answer(400, `The body is no valid JSON: ${error.message}`);
  if (error instanceof InferenceError) return ofInference(error);
  if (error instanceof RefusedError) return ofRefusal(error);
  if (error instanceof UnreadableRequestError) return answer(error.statusCode, error.message);
  if (error instanceof HttpException) return ofStatus(error.getStatus());
  if (isFastifyError(error)) return ofStatus(error.statusCode);
  return answer(500, 'Internal Server Error');
}

/** What Fastify throws before a request reaches a handler. */
function isFastifyError(error: unknown): error is Error & { readonly statusCode: number } {
  return error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number';
}

function ofFaults(faults: readonly ValidationFault[]): OpenAiError {
  const places = faults.map(({ loc }) => pathOf(loc));
  const message = faults.map(({ msg }, i) => (places[i] === null ? msg : `${places[i]}: ${msg}`)).join('; ');
  return answer(400, message, { param: places[0] });
}

/** The place of a fault as OpenAI writes it: `messages[0].content`; null for the body as a whole. */
function pathOf([, field, ...rest]: readonly (string | number)[]): string | null {
  if (field === undefined) return null;
  return rest.reduce<string>((path, step) => path + (typeof step === 'number' ? `[${step}]` : `.${step}`), `${field}`);
}

const REFUSALS: Readonly<Record<RefusalReason, Pick<OpenAiErrorDetail, 'type' | 'code'>>> = {
  unauthorized: { type: 'invalid_request_error', code: 'invalid_api_key' },
  rate_limited: { type: 'rate_limit_error', code: 'rate_limit_exceeded' },
  overloaded: { type: 'rate_limit_error', code: 'overloaded' },
  draining: { type: 'server_error', code: 'draining' },
};

function ofRefusal({ status, message, headers, reason }: RefusedError): OpenAiError {
  return { status, headers, body: { error: { message, param: null, ...REFUSALS[reason] } } };
}

function ofInference({ code, message }: InferenceError): OpenAiError {
  switch (code) {
    case 'prompt_too_long':
      return answer(400, message, { code: 'context_length_exceeded' });
    case 'request_invalid':
    case 'grammar_invalid':
      return answer(400, message);
    case 'template_failed':
      return answer(400, message, { param: 'messages' });
    case 'not_loaded':
      return answer(503, new ModelNotLoadedError().message, { code: 'model_not_loaded' });
    case 'cancelled':
      return answer(CLIENT_CLOSED_REQUEST, message);
    case 'runtime_failed':
    case 'model_invalid':
    case 'model_unsupported':
    case 'device_unavailable':
      return answer(500, `Generation failed: ${message}`);
  }
}

function ofStatus(status: number): OpenAiError {
  switch (status) {
    case 404:
      return answer(404, 'There is nothing at this URL', { code: 'unknown_url' });
    case 405:
      return answer(405, 'This URL does not have this method', { code: 'method_not_allowed' });
    case 413:
      return answer(413, BODY_TOO_LARGE);
    case 415:
      return answer(400, 'The body must be JSON, with the header Content-Type: application/json');
    default:
      return answer(status, STATUS_CODES[status] ?? 'Error');
  }
}

function answer(
  status: number,
  message: string,
  { param = null, code = null }: Partial<Pick<OpenAiErrorDetail, 'param' | 'code'>> = {},
): OpenAiError {
  return { status, body: { error: { message, type: typeOf(status), param, code } } };
}

function typeOf(status: number): OpenAiErrorDetail['type'] {
  if (status === 429) return 'rate_limit_error';
  return status < 500 ? 'invalid_request_error' : 'server_error';
}
