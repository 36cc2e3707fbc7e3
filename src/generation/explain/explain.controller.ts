import { Body as RequestBody, Controller, HttpCode, Post, UseFilters, UseGuards } from '@nestjs/common';
import { ApiBody, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ClientSignal } from '../../common/http/client-signal.decorator.js';
import { type Body, BodyPipe } from '../body.pipe.js';
import { ModelReadyGuard } from '../model-ready.guard.js';
import { ApiErrors } from '../openai/api-answer.decorator.js';
import { OpenAiExceptionFilter } from '../openai/openai-exception.filter.js';
import { ExplainRequest, ExplainResponse } from './dto/explain.dto.js';
import { ExplainService } from './explain.service.js';

@ApiTags('explain')
@Controller('v1/explain')
@UseGuards(ModelReadyGuard)
@UseFilters(OpenAiExceptionFilter)
export class ExplainController {
  constructor(private readonly service: ExplainService) {}

  @Post()
  @HttpCode(200)
  @ApiOperation({
    summary: 'Explain what would be generated',
    description:
      'The prompt as the model would read it, and every parameter with who decided it, for the body of any route that ' +
      'generates. Nothing is generated. What the route would refuse is refused here, in the same words.',
  })
  @ApiBody({ type: ExplainRequest })
  @ApiOkResponse({ description: 'What would be done', type: ExplainResponse })
  @ApiErrors(400, 404, 413, 429, 500, 503)
  explain(
    @RequestBody(new BodyPipe(ExplainRequest)) { request: { route, request } }: Body<ExplainRequest>,
    @ClientSignal() signal: AbortSignal,
  ): Promise<ExplainResponse> {
    return this.service.explain(route, request, signal);
  }
}
