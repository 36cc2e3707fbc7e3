import {
  applyDecorators,
  Body,
  Controller,
  HttpCode,
  Post,
  Res,
  type Type,
  UseFilters,
  UseGuards,
} from '@nestjs/common';
import { ApiBody, ApiExtraModels, ApiOperation, ApiResponse, ApiTags, getSchemaPath } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { ErrorBody, ValidationErrorBody } from '../../common/fastapi/validation-fault.js';
import { ClientSignal } from '../../common/http/client-signal.decorator.js';
import { ExplainService } from '../explain/explain.service.js';
import { ModelReadyGuard } from '../model-ready.guard.js';
import { ApiTgiErrors, ApiTgiModels } from '../tgi/api-answer.decorator.js';
import { TgiResponse } from '../tgi/dto/answer.dto.js';
import { TgiRequest } from '../tgi/dto/request.dto.js';
import { TgiErrorBody } from '../tgi/dto/tgi-error.dto.js';
import { speaksTgi, TgiBodyPipe } from '../tgi/tgi-body.pipe.js';
import { TgiService } from '../tgi/tgi.service.js';
import { GenerateRequest } from './dto/generate-request.dto.js';
import { GenerateResponse } from './dto/generate-response.dto.js';
import { GenerateExceptionFilter } from './generate-exception.filter.js';
import { GenerateRequestPipe } from './generate-request.pipe.js';
import { GenerateService } from './generate.service.js';

const ERRORS = [
  [413, 'The body has more than 1 MiB', ErrorBody],
  [422, 'Something is wrong with the request', ValidationErrorBody],
  [429, 'More is waiting than the server takes on: come back after the seconds of `Retry-After`', ErrorBody],
  [500, 'The generation failed', ErrorBody],
  [503, 'The model is not loaded, or the server is shutting down', ErrorBody],
] as const;

/** A route of two dialects: a body with `inputs` in place of `prompt` is one of text-generation-inference. */
@ApiTags('generate')
@Controller('generate')
@UseGuards(ModelReadyGuard)
@UseFilters(GenerateExceptionFilter)
export class GenerateController {
  private readonly tgiPipe = new TgiBodyPipe(TgiRequest);

  constructor(
    private readonly pipe: GenerateRequestPipe,
    private readonly service: GenerateService,
    private readonly tgi: TgiService,
    explain: ExplainService,
  ) {
    explain.register('/generate', (given) =>
      speaksTgi(given) ? tgi.plan(this.tgiPipe.transform(given), false) : service.plan(pipe.transform(given)),
    );
  }

  @Post()
  @HttpCode(200)
  @ApiOperation({
    summary: 'Generate text',
    description:
      'Answers a prompt. Comes back when the answer is complete. A body with `inputs` in place of `prompt` is answered, ' +
      'and refused, as in text-generation-inference.',
  })
  @ApiExtraModels(GenerateRequest, GenerateResponse, TgiRequest, TgiErrorBody, ErrorBody, ValidationErrorBody)
  @ApiTgiModels()
  @ApiBody({ schema: either(GenerateRequest, TgiRequest) })
  @ApiResponse({ status: 200, description: 'The answer', schema: either(GenerateResponse, TgiResponse) })
  @ApiErrorsOfBoth()
  @ApiTgiErrors(424)
  generate(
    @Body() body: unknown,
    @ClientSignal() signal: AbortSignal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<GenerateResponse | TgiResponse> {
    if (speaksTgi(body)) return this.tgi.complete(this.tgiPipe.transform(body), reply, signal);
    return this.service.generate(this.pipe.transform(body), signal);
  }
}

/** A value of the seed's dialect, or one of the other. */
function either(ours: Type, theirs: Type) {
  return { anyOf: [{ $ref: getSchemaPath(ours) }, { $ref: getSchemaPath(theirs) }] };
}

function ApiErrorsOfBoth(): MethodDecorator {
  return applyDecorators(
    ...ERRORS.map(([status, description, type]) =>
      ApiResponse({ status, description, schema: either(type, TgiErrorBody) }),
    ),
  );
}
