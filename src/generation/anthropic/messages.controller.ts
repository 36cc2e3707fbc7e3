import {
  applyDecorators,
  Body as RequestBody,
  Controller,
  HttpCode,
  Post,
  Res,
  UseFilters,
  UseGuards,
} from '@nestjs/common';
import {
  ApiBody,
  ApiExtraModels,
  ApiOkResponse,
  ApiOperation,
  ApiResponse,
  ApiTags,
  getSchemaPath,
} from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { ClientSignal } from '../../common/http/client-signal.decorator.js';
import { type Body, BodyPipe } from '../body.pipe.js';
import { ModelReadyGuard } from '../model-ready.guard.js';
import { AnthropicExceptionFilter } from './anthropic-exception.filter.js';
import { AnthropicErrorBody } from './dto/anthropic-error.dto.js';
import { Message, TextContent, ThinkingContent, TokenCount, ToolUseContent } from './dto/message.dto.js';
import { ConversationRequest, MessagesRequest } from './dto/messages-request.dto.js';
import { MessagesService } from './messages.service.js';

const ERRORS = {
  400: 'Something is wrong with the request',
  404: 'There is no such model',
  413: 'The body has more than 1 MiB',
  429: 'More is waiting than the server takes on: come back after the seconds of `Retry-After`',
  500: 'The generation failed',
  503: 'The model is not loaded, or the server is shutting down',
} as const;

function ApiErrors(): MethodDecorator {
  return applyDecorators(
    ...Object.entries(ERRORS).map(([status, description]) =>
      ApiResponse({ status: Number(status), description, type: AnthropicErrorBody }),
    ),
  );
}

@ApiTags('Anthropic')
@Controller('v1/messages')
@UseGuards(ModelReadyGuard)
@UseFilters(AnthropicExceptionFilter)
export class MessagesController {
  constructor(private readonly service: MessagesService) {}

  @Post()
  @HttpCode(200)
  @ApiOperation({
    summary: 'Answer a conversation',
    description: 'As in Anthropic’s API. With `stream`, events come as server-sent events, up to `message_stop`.',
  })
  @ApiBody({ type: MessagesRequest })
  @ApiExtraModels(Message, TextContent, ThinkingContent, ToolUseContent)
  @ApiResponse({
    status: 200,
    description: 'The answer; with `stream`, as server-sent events',
    content: {
      'application/json': { schema: { $ref: getSchemaPath(Message) } },
      // Of each event.
      'text/event-stream': {
        schema: {
          type: 'object',
          required: ['event', 'data'],
          properties: { event: { type: 'string' }, data: { type: 'string' } },
        },
      },
    },
  })
  @ApiErrors()
  create(
    @RequestBody(new BodyPipe(MessagesRequest)) body: Body<MessagesRequest>,
    @ClientSignal() signal: AbortSignal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<object> {
    return this.service.answer(body, reply, signal);
  }

  @Post('count_tokens')
  @HttpCode(200)
  @ApiOperation({ summary: 'Count the tokens of a conversation', description: 'As in Anthropic’s API.' })
  @ApiBody({ type: ConversationRequest })
  @ApiOkResponse({ description: 'How many there are', type: TokenCount })
  @ApiErrors()
  count(
    @RequestBody(new BodyPipe(ConversationRequest)) body: Body<ConversationRequest>,
    @ClientSignal() signal: AbortSignal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<TokenCount> {
    return this.service.count(body, reply, signal);
  }
}
