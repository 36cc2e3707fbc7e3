import { type ArgumentsHost, Catch, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type ErrorAnswer, sendError } from '../../common/fastapi/fastapi-exception.filter.js';
import { InferenceError } from '../../inference/inference-provider.js';
import { ModelNotLoadedError } from '../../inference/model-not-loaded.error.js';

/** Nobody reads it: the client closed the connection (the number is nginx's). */
const CLIENT_CLOSED_REQUEST = 499;

/** Tells what went wrong with inference as the seed's server does. */
@Catch(InferenceError)
export class SeedExceptionFilter implements ExceptionFilter<InferenceError> {
  /** @param field of the body that holds the prompt, where that is known */
  constructor(private readonly field?: string) {}

  catch(error: InferenceError, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest<{ Body?: Readonly<Record<string, unknown>> }>>();
    sendError(this.toAnswer(error, request.body), error, request, http.getResponse<FastifyReply>());
  }

  private toAnswer({ code, message }: InferenceError, body: Readonly<Record<string, unknown>> = {}): ErrorAnswer {
    const { field } = this;
    const place = field === undefined ? { loc: ['body'], input: null } : { loc: ['body', field], input: body[field] };
    switch (code) {
      case 'prompt_too_long':
      case 'request_invalid':
      case 'grammar_invalid':
        return { status: 422, detail: [{ type: code, msg: message, ...place }] };
      case 'not_loaded':
        return { status: 503, detail: new ModelNotLoadedError().message };
      case 'cancelled':
        return { status: CLIENT_CLOSED_REQUEST, detail: message };
      case 'template_failed':
      case 'runtime_failed':
      case 'model_invalid':
      case 'model_unsupported':
      case 'device_unavailable':
        return { status: 500, detail: `Generation failed: ${message}` };
    }
  }
}
