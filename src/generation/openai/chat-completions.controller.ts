import { Body as RequestBody, Controller, HttpCode, Post, Res, UseFilters, UseGuards } from '@nestjs/common';
import { ApiBody, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { ClientSignal } from '../../common/http/client-signal.decorator.js';
import { ChatService } from '../chat/chat.service.js';
import { ModelReadyGuard } from '../model-ready.guard.js';
import { type Body, BodyPipe } from '../body.pipe.js';
import { ChatCompletionRequest } from './dto/chat-completion-request.dto.js';
import { ChatCompletion, ChatLogprobs } from './dto/chat-completion.dto.js';
import { CHAT_FORMAT } from './formats.js';
import { thinkingWarnings, toChatRequest } from './chat-request.js';
import { wrongParameter } from '../../common/fastapi/validation-fault.js';
import { OpenAiExceptionFilter } from './openai-exception.filter.js';
import { OpenAiService } from './openai.service.js';
import { ApiAnswer } from './api-answer.decorator.js';

@ApiTags('OpenAI')
@Controller('v1/chat/completions')
@UseGuards(ModelReadyGuard)
@UseFilters(OpenAiExceptionFilter)
export class ChatCompletionsController {
  constructor(
    private readonly service: OpenAiService,
    private readonly chats: ChatService,
  ) {}

  @Post()
  @HttpCode(200)
  @ApiOperation({
    summary: 'Answer a conversation',
    description: 'As in OpenAI’s API. With `stream`, chunks come as server-sent events, the last of which is `[DONE]`.',
  })
  @ApiBody({ type: ChatCompletionRequest })
  @ApiAnswer(ChatCompletion, ChatLogprobs)
  complete(
    @RequestBody(new BodyPipe(ChatCompletionRequest)) body: Body<ChatCompletionRequest>,
    @ClientSignal() signal: AbortSignal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<object> {
    const { request } = body;
    const { top_logprobs: topLogprobs } = request;
    if (topLogprobs !== undefined && !request.logprobs) {
      throw wrongParameter('top_logprobs', 'Only with logprobs', topLogprobs);
    }
    const chat = this.chats.plan(toChatRequest(request));
    const route = {
      format: CHAT_FORMAT,
      prompts: [chat.prompt],
      chat,
      limits: {
        maxNewTokens: request.max_completion_tokens ?? request.max_tokens,
        logprobs: request.logprobs ? (topLogprobs ?? 0) : undefined,
      },
    };
    const warnings = [...body.warnings, ...thinkingWarnings(request, this.chats)];
    return this.service.answer({ request, warnings }, route, reply, signal);
  }
}
