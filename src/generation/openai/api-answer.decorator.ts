import { applyDecorators, type Type } from '@nestjs/common';
import { ApiExtraModels, ApiResponse, getSchemaPath } from '@nestjs/swagger';
import { OpenAiErrorBody } from './dto/openai-error.dto.js';

const ERRORS = {
  400: 'Something is wrong with the request',
  404: 'There is no such model',
  413: 'The body has more than 1 MiB',
  429: 'More is waiting than the server takes on: come back after the seconds of `Retry-After`',
  500: 'The generation failed',
  503: 'The model is not loaded, or the server is shutting down',
} as const;

/** Documents errors in OpenAI's shape. */
export function ApiErrors(...statuses: (keyof typeof ERRORS)[]): MethodDecorator {
  return applyDecorators(
    ...statuses.map((status) => ApiResponse({ status, description: ERRORS[status], type: OpenAiErrorBody })),
  );
}

/**
 * Documents an answer that is one JSON value or a stream, and its errors.
 *
 * @param parts further models that the answer refers to
 */
export function ApiAnswer(answer: Type, ...parts: Type[]): MethodDecorator {
  return applyDecorators(
    ApiExtraModels(answer, ...parts),
    ApiResponse({
      status: 200,
      description: 'The answer; with `stream`, as server-sent events',
      content: {
        'application/json': { schema: { $ref: getSchemaPath(answer) } },
        // Of each event.
        'text/event-stream': {
          schema: { type: 'object', required: ['data'], properties: { data: { type: 'string' } } },
        },
      },
    }),
    ApiErrors(400, 404, 413, 429, 500, 503),
  );
}
