import { Body as RequestBody, Controller, HttpCode, Post, Res, UseFilters, UseGuards } from '@nestjs/common';
import { ApiBody, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { ClientSignal } from '../../common/http/client-signal.decorator.js';
import { ModelReadyGuard } from '../model-ready.guard.js';
import { type Body, BodyPipe } from '../body.pipe.js';
import { ChatCompletionRequest } from './dto/chat-completion-request.dto.js';
import { ChatCompletion, ChatLogprobs } from './dto/chat-completion.dto.js';
import { CHAT_FORMAT } from './formats.js';
import { toChatMessages } from './messages.js';
import { wrongParameter } from '../../common/fastapi/validation-fault.js';
import { OpenAiExceptionFilter } from './openai-exception.filter.js';
import { OpenAiService } from './openai.service.js';
import { ApiAnswer } from './api-answer.decorator.js';

@ApiTags('OpenAI')
@Controller('v1/chat/completions')
@UseGuards(ModelReadyGuard)
@UseFilters(OpenAiExceptionFilter)
export class ChatCompletionsController {
  constructor(private readonly service: OpenAiService) {}

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
    const { top_logprobs: topLogprobs, chat_template_kwargs: variables } = request;
    if (topLogprobs !== undefined && !request.logprobs) {
      throw wrongParameter('top_logprobs', 'Only with logprobs', topLogprobs);
    }
    const messages = toChatMessages(request.messages);
    const addGenerationPrompt = request.add_generation_prompt ?? true;
    const route = {
      format: CHAT_FORMAT,
      prompts: [{ kind: 'chat', messages, addGenerationPrompt, variables }] as const,
      limits: {
        maxNewTokens: request.max_completion_tokens ?? request.max_tokens,
        logprobs: request.logprobs ? (topLogprobs ?? 0) : undefined,
      },
    };
    return this.service.answer(body, route, reply, signal);
  }
}
