import { Injectable } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { Readable } from 'node:stream';
import { eventStream, namedEvent } from '../../common/http/event-stream.js';
import { Admission } from '../admission/admission.js';
import { estimateTokens } from '../admission/estimate.js';
import { type Body, BodyPipe } from '../body.pipe.js';
import { ChatService } from '../chat/chat.service.js';
import { type Turn, TurnService } from '../chat/turn.service.js';
import { ExplainService } from '../explain/explain.service.js';
import { withLastError } from '../last-error.js';
import { ModelService } from '../model.service.js';
import { checkModel, fingerprintOf } from '../served-model.js';
import { tellWarnings } from '../warnings.js';
import { errorBody, toAnthropicError } from './anthropic-error.js';
import type { TokenCount } from './dto/message.dto.js';
import { type ConversationRequest, MessagesRequest } from './dto/messages-request.dto.js';
import { ignoredFields } from './ignored-fields.js';
import { completeMessage, type MessageEvent, messageEvents } from './message-writer.js';
import { tellRequestId } from './request-id-header.js';
import { toPromptTurn, toTurn } from './turn.js';

/** From a valid request to an answer, complete or as a stream. */
@Injectable()
export class MessagesService {
  constructor(
    private readonly models: ModelService,
    private readonly turns: TurnService,
    private readonly chats: ChatService,
    private readonly admission: Admission,
    explain: ExplainService,
  ) {
    const body = new BodyPipe(MessagesRequest);
    explain.register('/v1/messages', (given, signal) => turns.plan(this.toTurn(body.transform(given)), signal));
  }

  /**
   * @throws {RequestValidationError}
   * @throws {ModelNotFoundError}
   * @throws {ModelNotLoadedError}
   */
  toTurn({ request, warnings }: Body<MessagesRequest>): Turn {
    checkModel(request.model, this.models.model);
    return toTurn(request, [...warnings, ...ignoredFields(request)]);
  }

  /**
   * @param signal ends the generation
   * @throws what `toTurn` throws, and {InferenceError}
   */
  async answer(body: Body<MessagesRequest>, reply: FastifyReply, signal: AbortSignal): Promise<object | Readable> {
    const turn = this.toTurn(body);
    const { model } = this.models;
    const answer = await this.turns.begin(turn, signal);
    const head = { id: `msg_${reply.request.id}`, model: model.id, system_fingerprint: fingerprintOf(model) };
    const events = messageEvents(answer, head);
    tellRequestId(reply);
    tellWarnings(reply, answer.warnings);
    return body.request.stream ? eventStream(reply, toStream(events, reply)) : completeMessage(events);
  }

  /** @throws what `toTurn` throws, {RefusedError} and {InferenceError} */
  async count(
    { request, warnings }: Body<ConversationRequest>,
    reply: FastifyReply,
    signal: AbortSignal,
  ): Promise<TokenCount> {
    checkModel(request.model, this.models.model);
    const { chat, continuation } = toPromptTurn(request);
    const prompt = { ...this.chats.plan(chat).prompt, ...(continuation !== undefined && { continuation }) };
    const ids = await this.admission.readText(estimateTokens([prompt]), () => this.models.encode(prompt, signal));
    tellRequestId(reply);
    tellWarnings(reply, [...warnings, ...ignoredFields(request)]);
    return { input_tokens: ids.length };
  }
}

function toStream(events: AsyncIterable<MessageEvent>, reply: FastifyReply): AsyncGenerator<string, void> {
  return withLastError(asText(events), reply, (error) => {
    const told = toAnthropicError(error);
    return { status: told.status, event: namedEvent('error', errorBody(told, reply.request.id)) };
  });
}

async function* asText(events: AsyncIterable<MessageEvent>): AsyncGenerator<string, void> {
  for await (const event of events) yield namedEvent(event.type, event);
}
