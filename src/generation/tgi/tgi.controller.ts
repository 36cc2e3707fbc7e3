import { Body as RequestBody, Controller, Get, HttpCode, Post, Res, UseFilters, UseGuards } from '@nestjs/common';
import { ApiBody, ApiOkResponse, ApiOperation, ApiTags, getSchemaPath } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import type { Readable } from 'node:stream';
import { ClientSignal } from '../../common/http/client-signal.decorator.js';
import { version } from '../../version.js';
import type { Body } from '../body.pipe.js';
import { ExplainService } from '../explain/explain.service.js';
import { ModelReadyGuard } from '../model-ready.guard.js';
import { ModelService } from '../model.service.js';
import { ApiTgiErrors, ApiTgiGeneration } from './api-answer.decorator.js';
import { TgiResponse } from './dto/answer.dto.js';
import { Info } from './dto/info.dto.js';
import { MAX_BEST_OF, MAX_STOP_SEQUENCES } from './dto/parameters.dto.js';
import { TgiCompatRequest, TgiRequest } from './dto/request.dto.js';
import { TgiBodyPipe } from './tgi-body.pipe.js';
import { TgiExceptionFilter } from './tgi-exception.filter.js';
import { TgiService } from './tgi.service.js';

/** Of each event of a stream. */
const EVENT_STREAM = {
  'text/event-stream': { schema: { type: 'object', required: ['data'], properties: { data: { type: 'string' } } } },
};

/** The routes of text-generation-inference, but for `POST /generate`, which it shares with the seed. */
@ApiTags('text-generation-inference')
@Controller()
@UseGuards(ModelReadyGuard)
@UseFilters(TgiExceptionFilter)
export class TgiController {
  constructor(
    private readonly service: TgiService,
    private readonly models: ModelService,
    explain: ExplainService,
  ) {
    const compat = new TgiBodyPipe(TgiCompatRequest);
    explain.register('/', (given) => {
      const body = compat.transform(given);
      return service.plan(body, body.request.stream ?? false);
    });
    const pipe = new TgiBodyPipe(TgiRequest);
    explain.register('/generate_stream', (given) => service.plan(pipe.transform(given), true));
  }

  @Post()
  @HttpCode(200)
  @ApiOperation({
    summary: 'Continue a text',
    description: 'As in text-generation-inference: without a chat template. With `stream`, as `POST /generate_stream`.',
  })
  @ApiBody({ type: TgiCompatRequest })
  @ApiOkResponse({
    description: 'A list of one answer; with `stream`, server-sent events',
    content: {
      'application/json': {
        schema: { type: 'array', minItems: 1, maxItems: 1, items: { $ref: getSchemaPath(TgiResponse) } },
      },
      ...EVENT_STREAM,
    },
  })
  @ApiTgiGeneration()
  async answer(
    @RequestBody(new TgiBodyPipe(TgiCompatRequest)) body: Body<TgiCompatRequest>,
    @ClientSignal() signal: AbortSignal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<readonly TgiResponse[] | Readable> {
    if (body.request.stream) return this.service.stream(body, reply, signal);
    return [await this.service.complete(body, reply, signal)];
  }

  @Post('generate_stream')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Continue a text, as a stream',
    description: 'As in text-generation-inference: an event for each token, the last one with the whole text.',
  })
  @ApiBody({ type: TgiRequest })
  @ApiOkResponse({ description: 'Server-sent events', content: EVENT_STREAM })
  @ApiTgiGeneration()
  stream(
    @RequestBody(new TgiBodyPipe(TgiRequest)) body: Body<TgiRequest>,
    @ClientSignal() signal: AbortSignal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Readable> {
    return this.service.stream(body, reply, signal);
  }

  @Get('info')
  @ApiOperation({ summary: 'Tell what is served', description: 'As in text-generation-inference.' })
  @ApiOkResponse({ description: 'The model, and the limits of requests', type: Info })
  @ApiTgiErrors(503)
  info(): Info {
    const { id, dtype, device, contextLength, slots } = this.models.model;
    return {
      model_id: id,
      model_sha: null,
      model_dtype: `torch.${dtype}`,
      model_device_type: device,
      model_pipeline_tag: 'text-generation',
      max_best_of: MAX_BEST_OF,
      max_stop_sequences: MAX_STOP_SEQUENCES,
      max_input_tokens: contextLength - 1,
      max_input_length: contextLength - 1,
      max_total_tokens: contextLength,
      max_batch_size: slots,
      max_batch_total_tokens: slots * contextLength,
      validation_workers: 1,
      max_client_batch_size: 1,
      router: 'roost',
      version,
      sha: null,
      docker_label: null,
    };
  }
}
