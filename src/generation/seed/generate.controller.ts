import { Body, Controller, HttpCode, Post, Req, UseFilters, UseGuards } from '@nestjs/common';
import {
  ApiBody,
  ApiInternalServerErrorResponse,
  ApiOkResponse,
  ApiOperation,
  ApiPayloadTooLargeResponse,
  ApiServiceUnavailableResponse,
  ApiTags,
  ApiTooManyRequestsResponse,
  ApiUnprocessableEntityResponse,
} from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { ErrorBody, ValidationErrorBody } from '../../common/fastapi/validation-fault.js';
import { ClientSignal } from '../../common/http/client-signal.decorator.js';
import { ExplainService } from '../explain/explain.service.js';
import { ModelReadyGuard } from '../model-ready.guard.js';
import { GenerateRequest } from './dto/generate-request.dto.js';
import { GenerateResponse } from './dto/generate-response.dto.js';
import { GenerateRequestPipe } from './generate-request.pipe.js';
import { GenerateService } from './generate.service.js';
import { SeedExceptionFilter } from './seed-exception.filter.js';

@ApiTags('generate')
@Controller('generate')
@UseGuards(ModelReadyGuard)
@UseFilters(SeedExceptionFilter)
export class GenerateController {
  constructor(
    private readonly service: GenerateService,
    explain: ExplainService,
    pipe: GenerateRequestPipe,
  ) {
    explain.register('/generate', (given) => service.plan(pipe.transform(given)));
  }

  @Post()
  @HttpCode(200)
  @ApiOperation({ summary: 'Generate text', description: 'Answers a prompt. Comes back when the answer is complete.' })
  @ApiBody({ type: GenerateRequest })
  @ApiOkResponse({ description: 'The answer', type: GenerateResponse })
  @ApiPayloadTooLargeResponse({ description: 'The body has more than 1 MiB', type: ErrorBody })
  @ApiUnprocessableEntityResponse({ description: 'Something is wrong with the request', type: ValidationErrorBody })
  @ApiTooManyRequestsResponse({
    description: 'More is waiting than the server takes on: come back after the seconds of `Retry-After`',
    type: ErrorBody,
  })
  @ApiInternalServerErrorResponse({ description: 'The generation failed', type: ErrorBody })
  @ApiServiceUnavailableResponse({
    description: 'The model is not loaded, or the server is shutting down',
    type: ErrorBody,
  })
  generate(
    @Body(GenerateRequestPipe) body: GenerateRequest,
    @ClientSignal() signal: AbortSignal,
    @Req() request: FastifyRequest,
  ): Promise<GenerateResponse> {
    return this.service.generate(body, signal, request);
  }
}
