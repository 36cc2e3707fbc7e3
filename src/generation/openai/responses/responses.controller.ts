import {
  Body as RequestBody,
  Controller,
  Get,
  HttpCode,
  Param,
  Post,
  Res,
  UseFilters,
  UseGuards,
} from '@nestjs/common';
import { ApiBody, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { ClientSignal } from '../../../common/http/client-signal.decorator.js';
import { type Body, BodyPipe } from '../../body.pipe.js';
import { ModelReadyGuard } from '../../model-ready.guard.js';
import { ApiAnswer, ApiErrors } from '../api-answer.decorator.js';
import { OpenAiExceptionFilter } from '../openai-exception.filter.js';
import { ResponseRequest } from './dto/response-request.dto.js';
import { ModelResponse, ResponseUsage } from './dto/response.dto.js';
import { ResponseNotStoredError } from './response-not-stored.error.js';
import { ResponsesService } from './responses.service.js';

@ApiTags('OpenAI')
@Controller('v1/responses')
@UseFilters(OpenAiExceptionFilter)
export class ResponsesController {
  constructor(private readonly service: ResponsesService) {}

  @Post()
  @HttpCode(200)
  @UseGuards(ModelReadyGuard)
  @ApiOperation({
    summary: 'Answer a conversation',
    description:
      'As in OpenAI’s API, with text and functions, and nothing stored. With `stream`, events come as server-sent events, ' +
      'up to `response.completed`, `response.incomplete` or `response.failed`.',
  })
  @ApiBody({ type: ResponseRequest })
  @ApiAnswer(ModelResponse, ResponseUsage)
  create(
    @RequestBody(new BodyPipe(ResponseRequest)) body: Body<ResponseRequest>,
    @ClientSignal() signal: AbortSignal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<object> {
    return this.service.answer(body, reply, signal);
  }

  @Get(':id')
  @ApiOperation({ summary: 'Say that no answer is stored' })
  @ApiErrors(404)
  find(@Param('id') id: string): never {
    throw new ResponseNotStoredError(id);
  }
}
