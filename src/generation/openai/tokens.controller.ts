import { Body as RequestBody, Controller, HttpCode, Post, UseFilters, UseGuards } from '@nestjs/common';
import { ApiBody, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ClientSignal } from '../../common/http/client-signal.decorator.js';
import type { Prompt } from '../../inference/inference-provider.js';
import { Admission } from '../admission/admission.js';
import { estimateTokens } from '../admission/estimate.js';
import { ModelReadyGuard } from '../model-ready.guard.js';
import { ModelService } from '../model.service.js';
import { ApiErrors } from './api-answer.decorator.js';
import { type Body, BodyPipe } from '../body.pipe.js';
import { Detokenized, DetokenizeRequest, Tokenized, TokenizeRequest } from './dto/tokens.dto.js';
import { toChatMessages } from './messages.js';
import { wrongParameter } from '../../common/fastapi/validation-fault.js';
import { OpenAiExceptionFilter } from './openai-exception.filter.js';

/** Beside OpenAI's routes in vLLM. */
@ApiTags('OpenAI')
@Controller()
@UseGuards(ModelReadyGuard)
@UseFilters(OpenAiExceptionFilter)
export class TokensController {
  constructor(
    private readonly models: ModelService,
    private readonly admission: Admission,
  ) {}

  @Post('tokenize')
  @HttpCode(200)
  @ApiOperation({ summary: 'Tell the token ids of a text or a conversation', description: 'As in vLLM.' })
  @ApiBody({ type: TokenizeRequest })
  @ApiOkResponse({ description: 'The token ids', type: Tokenized })
  @ApiErrors(400, 413, 429, 500, 503)
  async tokenize(
    @RequestBody(new BodyPipe(TokenizeRequest)) { request }: Body<TokenizeRequest>,
    @ClientSignal() signal: AbortSignal,
  ): Promise<Tokenized> {
    const prompt = toPrompt(request);
    const tokens = await this.admission.readText(estimateTokens([prompt]), () => this.models.encode(prompt, signal));
    return { count: tokens.length, max_model_len: this.models.model.contextLength, tokens };
  }

  @Post('detokenize')
  @HttpCode(200)
  @ApiOperation({ summary: 'Tell the text of token ids', description: 'As in vLLM.' })
  @ApiBody({ type: DetokenizeRequest })
  @ApiOkResponse({ description: 'The text', type: Detokenized })
  @ApiErrors(400, 413, 429, 500, 503)
  async detokenize(
    @RequestBody(new BodyPipe(DetokenizeRequest)) { request: { tokens } }: Body<DetokenizeRequest>,
    @ClientSignal() signal: AbortSignal,
  ): Promise<Detokenized> {
    return { prompt: await this.admission.readText(tokens.length, () => this.models.decode(tokens, signal)) };
  }
}

function toPrompt(request: TokenizeRequest): Prompt {
  const { prompt: text, messages, add_special_tokens: addSpecialTokens } = request;
  if (messages !== undefined && text === undefined) {
    const addGenerationPrompt = request.add_generation_prompt ?? true;
    return { kind: 'chat', messages: toChatMessages(messages), addGenerationPrompt };
  }
  if (text === undefined || messages !== undefined) {
    throw wrongParameter('prompt', 'Either this or messages is required', text);
  }
  return { kind: 'text', text, addSpecialTokens };
}
