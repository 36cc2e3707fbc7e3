import { type ArgumentsHost, Catch, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type ErrorAnswer, sendError } from '../../common/fastapi/fastapi-exception.filter.js';
import { InferenceError } from '../../inference/inference-provider.js';
import { ModelNotLoadedError } from '../../inference/model-not-loaded.error.js';

/** Nobody reads it: the client closed the connection (the number is nginx's). */
const CLIENT_CLOSED_REQUEST = 499;

/** Tells what went wrong inference as the seed's server does. */
@Catch(InferenceError)
export class SeedExceptionFilter implements ExceptionFilter<InferenceError> {
  catch(error: InferenceError, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest<{ Body: { prompt?: unknown } }>>();
    sendError(toAnswer(error, request.body.prompt), error, request, http.getResponse<FastifyReply>());
  }
}

function toAnswer({ code, message }: InferenceError, prompt: unknown): ErrorAnswer {
  switch (code) {
    case 'prompt_too_long':
    case 'request_invalid':
    case 'grammar_invalid':
      return { status: 422, detail: [{ type: code, loc: ['body', 'prompt'], msg: message, input: prompt }] };
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
