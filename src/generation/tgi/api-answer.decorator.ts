import { applyDecorators } from '@nestjs/common';
import { ApiExtraModels, ApiResponse } from '@nestjs/swagger';
import { BestOfSequence, Details, PrefillToken, TgiResponse, Token } from './dto/answer.dto.js';
import { TgiParameters } from './dto/parameters.dto.js';
import { TgiErrorBody } from './dto/tgi-error.dto.js';

const ERRORS = {
  413: 'The body has more than 1 MiB',
  422: 'Something is wrong with the request',
  424: 'The generation failed',
  429: 'More is waiting than the server takes on: come back after the seconds of `Retry-After`',
  500: 'The generation was not completed',
  503: 'The model is not loaded, or the server is shutting down',
} as const;

/** Documents errors in the shape of text-generation-inference. */
export function ApiTgiErrors(...statuses: (keyof typeof ERRORS)[]): MethodDecorator {
  return applyDecorators(
    ...statuses.map((status) => ApiResponse({ status, description: ERRORS[status], type: TgiErrorBody })),
  );
}

/** Documents what requests and answers are made of. */
export function ApiTgiModels(): MethodDecorator {
  return ApiExtraModels(TgiParameters, TgiResponse, Details, BestOfSequence, Token, PrefillToken);
}

/** Documents a route that generates: what requests and answers are made of, and all errors. */
export function ApiTgiGeneration(): MethodDecorator {
  return applyDecorators(ApiTgiModels(), ApiTgiErrors(413, 422, 424, 429, 500, 503));
}
