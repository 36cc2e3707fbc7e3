import { Body as RequestBody, Controller, HttpCode, Post, Res, UseFilters, UseGuards } from '@nestjs/common';
import { ApiBody, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { ClientSignal } from '../../common/http/client-signal.decorator.js';
import { ChatService } from '../chat/chat.service.js';
import { ExplainService } from '../explain/explain.service.js';
import { ModelReadyGuard } from '../model-ready.guard.js';
import { type Body, BodyPipe } from '../body.pipe.js';
import { ChatCompletionRequest } from './dto/chat-completion-request.dto.js';
import { ChatCompletion, ChatLogprobs } from './dto/chat-completion.dto.js';
import { CHAT_FORMAT } from './formats.js';
import { wrongParameter } from '../../common/fastapi/validation-fault.js';
import { thinkingWarnings, toChatRequest } from './chat-request.js';
import { OpenAiExceptionFilter } from './openai-exception.filter.js';
import { OpenAiService, type RouteRequest } from './openai.service.js';
import { ApiAnswer } from './api-answer.decorator.js';

const BODY = new BodyPipe(ChatCompletionRequest);

@ApiTags('OpenAI')
@Controller('v1/chat/completions')
@UseGuards(ModelReadyGuard)
@UseFilters(OpenAiExceptionFilter)
export class ChatCompletionsController {
  constructor(
    private readonly service: OpenAiService,
    private readonly chats: ChatService,
    explain: ExplainService,
  ) {
    explain.register('/v1/chat/completions', (given, signal) => {
      const { body, route } = this.toRoute(BODY.transform(given));
      return service.plan(body, route, signal);
    });
  }

  @Post()
  @HttpCode(200)
  @ApiOperation({
    summary: 'Answer a conversation',
    description: 'As in OpenAI’s API. With `stream`, chunks come as server-sent events, the last of which is `[DONE]`.',
  })
  @ApiBody({ type: ChatCompletionRequest })
  @ApiAnswer(ChatCompletion, ChatLogprobs)
  complete(
    @RequestBody(BODY) body: Body<ChatCompletionRequest>,
    @ClientSignal() signal: AbortSignal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<object> {
    const asked = this.toRoute(body);
    return this.service.answer(asked.body, asked.route, reply, signal);
  }

  private toRoute(given: Body<ChatCompletionRequest>): { body: Body<ChatCompletionRequest>; route: RouteRequest } {
    const { request } = given;
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
    const warnings = [...given.warnings, ...thinkingWarnings(request, this.chats)];
    return { body: { request, warnings }, route };
  }
}
