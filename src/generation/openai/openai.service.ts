import { Injectable } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { Readable } from 'node:stream';
import { dataEvent, eventStream } from '../../common/http/event-stream.js';
import { type GenerationRequest, InferenceError, type Prompt } from '../../inference/inference-provider.js';
import { beginAnswers } from '../answers.js';
import type { AnswerPlan, ChatPlan } from '../chat/chat.service.js';
import { ModelService } from '../model.service.js';
import { RequestRecord } from '../request-record.js';
import type { AnswerFormat } from './answer-format.js';
import { AnswerWriter } from './answer-writer.js';
import type { Body } from '../body.pipe.js';
import type { SamplingRequest } from './dto/sampling-request.dto.js';
import { type AnswerLimits, checkTogether, toGenerationRequests } from './generation-request.js';
import { toOpenAiError } from './openai-error.js';
import { checkModel, fingerprintOf } from '../served-model.js';

/** What a route makes of its own parameters. */
export interface RouteRequest {
  readonly format: AnswerFormat;
  readonly prompts: readonly Prompt[];
  readonly limits: AnswerLimits;
  /** Of a conversation, which is the only prompt. */
  readonly chat?: ChatPlan;
}

/** From a valid request to an answer, complete or as a stream. */
@Injectable()
export class OpenAiService {
  constructor(private readonly models: ModelService) {}

  /**
   * @param signal ends the generation
   * @throws {RequestValidationError}
   * @throws {ModelNotFoundError}
   * @throws {ModelNotLoadedError}
   * @throws {InferenceError}
   */
  async answer(
    { request, warnings }: Body<SamplingRequest>,
    { format, prompts, limits, chat }: RouteRequest,
    reply: FastifyReply,
    signal: AbortSignal,
  ): Promise<object | Readable> {
    const { model } = this.models;
    checkModel(request.model, model);
    checkTogether(request, limits, model, prompts.length);
    const head = {
      id: `${format.idPrefix}-${reply.request.id}`,
      created: Math.floor(Date.now() / 1000),
      model: model.id,
      system_fingerprint: fingerprintOf(model),
    };
    let plan: AnswerPlan | undefined;
    const requestsFor = async (ids: readonly number[]): Promise<readonly GenerationRequest[]> => {
      plan = await chat?.planAnswers(ids, signal);
      const requests = toGenerationRequests(request, limits, ids, model.contextLength - ids.length);
      return requests.map((one) => ({ ...one, ...plan?.options }));
    };
    const record = new RequestRecord(reply.request, format.object);
    const answers = await beginAnswers(this.models, { prompts, requestsFor }, signal, record);
    const writer = new AnswerWriter(answers, { format, head, request, warnings, createParser: plan?.createParser });
    return request.stream ? eventStream(reply, withLastError(writer.stream(), reply)) : writer.complete();
  }
}

/** After the headers are sent, an error is the last event. */
async function* withLastError(events: AsyncIterable<string>, reply: FastifyReply): AsyncGenerator<string, void> {
  try {
    yield* events;
  } catch (error) {
    if (error instanceof InferenceError && error.code === 'cancelled') return;
    const { status, body } = toOpenAiError(error);
    if (status === 500) reply.log.error({ err: error }, 'request failed');
    yield dataEvent(body);
  }
}
