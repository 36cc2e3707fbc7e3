import { Body as RequestBody, Controller, HttpCode, Post, Res, UseFilters, UseGuards } from '@nestjs/common';
import { ApiBody, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { ClientSignal } from '../../common/http/client-signal.decorator.js';
import type { Prompt } from '../../inference/inference-provider.js';
import { ExplainService } from '../explain/explain.service.js';
import { ModelReadyGuard } from '../model-ready.guard.js';
import { ApiAnswer } from './api-answer.decorator.js';
import { type Body, BodyPipe } from '../body.pipe.js';
import { CompletionRequest } from './dto/completion-request.dto.js';
import { Completion, CompletionLogprobs } from './dto/completion.dto.js';
import { TEXT_FORMAT } from './formats.js';
import { OpenAiExceptionFilter } from './openai-exception.filter.js';
import { OpenAiService, type RouteRequest } from './openai.service.js';

/** OpenAI's and vLLM's. */
const DEFAULT_MAX_TOKENS = 16;

const BODY = new BodyPipe(CompletionRequest);

@ApiTags('OpenAI')
@Controller('v1/completions')
@UseGuards(ModelReadyGuard)
@UseFilters(OpenAiExceptionFilter)
export class CompletionsController {
  constructor(
    private readonly service: OpenAiService,
    explain: ExplainService,
  ) {
    explain.register('/v1/completions', (given, signal) => {
      const body = BODY.transform(given);
      return service.plan(body, toRoute(body.request), signal);
    });
  }

  @Post()
  @HttpCode(200)
  @ApiOperation({
    summary: 'Continue a text',
    description: 'As in OpenAI’s API: without a chat template, and with 16 tokens unless `max_tokens` says otherwise.',
  })
  @ApiBody({ type: CompletionRequest })
  @ApiAnswer(Completion, CompletionLogprobs)
  complete(
    @RequestBody(BODY) body: Body<CompletionRequest>,
    @ClientSignal() signal: AbortSignal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<object> {
    return this.service.answer(body, toRoute(body.request), reply, signal);
  }
}

function toRoute(request: CompletionRequest): RouteRequest {
  const { max_tokens: maxNewTokens, logprobs } = request;
  return {
    format: TEXT_FORMAT,
    prompts: toPrompts(request),
    limits: { maxNewTokens, defaultMaxNewTokens: DEFAULT_MAX_TOKENS, logprobs },
  };
}

/** One prompt, or a list of them: a list of numbers is one. */
function toPrompts({ prompt, add_special_tokens: addSpecialTokens }: CompletionRequest): Prompt[] {
  const prompts = typeof prompt === 'string' || typeof prompt[0] === 'number' ? [prompt] : prompt;
  return (prompts as (string | number[])[]).map((one) =>
    typeof one === 'string' ? { kind: 'text', text: one, addSpecialTokens } : { kind: 'tokens', ids: one },
  );
}
