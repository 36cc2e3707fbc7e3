import { HttpException } from '@nestjs/common';
import { STATUS_CODES } from 'node:http';
import { RefusedError } from '../../access/errors.js';
import { RequestValidationError, type ValidationFault } from '../../common/fastapi/validation-fault.js';
import { InvalidJsonError } from '../../common/http/json-body.js';
import { InferenceError } from '../../inference/inference-provider.js';
import { ModelNotLoadedError } from '../../inference/model-not-loaded.error.js';
import type { OpenAiErrorBody, OpenAiErrorDetail } from './dto/openai-error.dto.js';

/** Thrown for a model that is not served. */
export class ModelNotFoundError extends Error {
  override readonly name = 'ModelNotFoundError';

  constructor(id: string, served: string) {
    super(`The model ${JSON.stringify(id.slice(0, 200))} does not exist: this server has ${JSON.stringify(served)}`);
  }
}

/** Thrown for parameters that are right by themselves, but not together or not for this model. */
export function wrongParameter(param: string, message: string, input: unknown): RequestValidationError {
  return new RequestValidationError([{ type: 'value_error', loc: ['body', param], msg: message, input }]);
}

export interface OpenAiError {
  readonly status: number;
  readonly body: OpenAiErrorBody;
}

/** Nobody reads it: the client closed the connection (the number is nginx's). */
const CLIENT_CLOSED_REQUEST = 499;

/** Any error as OpenAI would tell it. */
export function toOpenAiError(error: unknown): OpenAiError {
  if (error instanceof RequestValidationError) return ofFaults(error.faults);
  if (error instanceof ModelNotFoundError) {
    return answer(404, error.message, { param: 'model', code: 'model_not_found' });
  }
  if (error instanceof ModelNotLoadedError) return answer(503, error.message, { code: 'model_not_loaded' });
  if (error instanceof InvalidJsonError) return answer(400, `The body is no valid JSON: ${error.message}`);
  if (error instanceof InferenceError) return ofInference(error);
  if (error instanceof RefusedError) return ofRefusal(error);
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

function ofInference({ code, message }: InferenceError): OpenAiError {
  switch (code) {
    case 'prompt_too_long':
      return answer(400, message, { code: 'context_length_exceeded' });
    case 'request_invalid':
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

function ofRefusal({ reason, status, message }: RefusedError): OpenAiError {
  switch (reason) {
    case 'unauthorized':
      return answer(status, message, { code: 'invalid_api_key' });
    case 'rate_limited':
      return answer(status, message, { code: 'rate_limit_exceeded' });
  }
}

function ofStatus(status: number): OpenAiError {
  switch (status) {
    case 404:
      return answer(404, 'There is nothing at this URL', { code: 'unknown_url' });
    case 405:
      return answer(405, 'This URL does not have this method', { code: 'method_not_allowed' });
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
