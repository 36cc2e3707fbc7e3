import { Injectable } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { Readable } from 'node:stream';
import { eventStream, namedEvent } from '../../../common/http/event-stream.js';
import type { ModelInfo } from '../../../inference/inference-provider.js';
import { type Body, BodyPipe } from '../../body.pipe.js';
import { type Turn, TurnService } from '../../chat/turn.service.js';
import { ExplainService } from '../../explain/explain.service.js';
import { withLastError } from '../../last-error.js';
import { ModelService } from '../../model.service.js';
import { RequestRecord } from '../../request-record.js';
import { checkModel, fingerprintOf } from '../../served-model.js';
import { tellWarnings } from '../../warnings.js';
import { toOpenAiError } from '../openai-error.js';
import { ResponseRequest } from './dto/response-request.dto.js';
import { failedEvent, type ResponseEvent, responseEvents, type ResponseHead } from './response-writer.js';
import { toTurn } from './turn.js';

/** From a valid request to an answer, complete or as a stream. */
@Injectable()
export class ResponsesService {
  constructor(
    private readonly models: ModelService,
    private readonly turns: TurnService,
    explain: ExplainService,
  ) {
    const body = new BodyPipe(ResponseRequest);
    explain.register('/v1/responses', (given, signal) => turns.plan(this.toTurn(body.transform(given)), signal));
  }

  /**
   * @throws {ModelNotFoundError}
   * @throws {ModelNotLoadedError}
   */
  toTurn({ request, warnings }: Body<ResponseRequest>): Turn {
    checkModel(request.model, this.models.model);
    return toTurn(request, warnings);
  }

  /**
   * @param signal ends the generation
   * @throws {RequestValidationError}
   * @throws {ModelNotFoundError}
   * @throws {ModelNotLoadedError}
   * @throws {InferenceError}
   */
  async answer(body: Body<ResponseRequest>, reply: FastifyReply, signal: AbortSignal): Promise<object | Readable> {
    const turn = this.toTurn(body);
    const head = toHead(body.request, this.models.model, reply.request.id);
    const answer = await this.turns.begin(turn, signal, new RequestRecord(reply.request, 'response'));
    const events = responseEvents(answer, head, now);
    tellWarnings(reply, answer.warnings);
    return body.request.stream ? eventStream(reply, toStream(events, head, reply)) : lastOf(events);
  }
}

function toHead(request: ResponseRequest, model: ModelInfo, requestId: string): ResponseHead {
  return {
    id: `resp_${requestId}`,
    object: 'response',
    created_at: now(),
    model: model.id,
    instructions: request.instructions ?? null,
    max_output_tokens: request.max_output_tokens ?? null,
    metadata: request.metadata ?? {},
    parallel_tool_calls: request.parallel_tool_calls ?? true,
    reasoning: { effort: request.reasoning?.effort ?? null, summary: null },
    temperature: request.temperature ?? null,
    top_p: request.top_p ?? null,
    top_logprobs: request.top_logprobs ?? 0,
    text: { format: request.text?.format ?? { type: 'text' } },
    tool_choice: request.tool_choice ?? 'auto',
    tools: request.tools ?? [],
    background: false,
    store: false,
    previous_response_id: null,
    truncation: 'disabled',
    system_fingerprint: fingerprintOf(model),
  };
}

/** In seconds since 1970. */
function now(): number {
  return Math.floor(Date.now() / 1000);
}

async function lastOf(events: AsyncIterable<ResponseEvent>): Promise<object> {
  let last: unknown;
  for await (const { response } of events) last = response;
  return last as object;
}

async function* toStream(
  events: AsyncIterable<ResponseEvent>,
  head: ResponseHead,
  reply: FastifyReply,
): AsyncGenerator<string, void> {
  let sequence = 0;
  const write = ({ type, ...fields }: ResponseEvent): string =>
    namedEvent(type, { type, sequence_number: sequence++, ...fields });
  async function* written(): AsyncGenerator<string, void> {
    for await (const event of events) yield write(event);
  }
  yield* withLastError(written(), reply, (error) => {
    const { status, body } = toOpenAiError(error);
    return { status, event: write(failedEvent(head, body.error.message)) };
  });
}
