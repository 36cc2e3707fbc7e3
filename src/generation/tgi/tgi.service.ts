import { Injectable } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { Readable } from 'node:stream';
import { dataEvent, eventStream } from '../../common/http/event-stream.js';
import { beginAnswers } from '../answers.js';
import type { Body } from '../body.pipe.js';
import { withLastError } from '../last-error.js';
import { ModelService } from '../model.service.js';
import type { Plan } from '../plan.js';
import { blameGrammar } from '../structured-outputs.js';
import { tellWarnings } from '../warnings.js';
import { AnswerWriter } from './answer-writer.js';
import type { PrefillToken, TgiResponse } from './dto/answer.dto.js';
import type { TgiRequest } from './dto/request.dto.js';
import { planAnswers, toGenerationRequests } from './generation-request.js';
import { answerHeaders, requestHeaders } from './headers.js';
import { isOurFault, toTgiError } from './tgi-error.js';

/** From a valid request to an answer, complete or as a stream. */
@Injectable()
export class TgiService {
  constructor(private readonly models: ModelService) {}

  /**
   * @param signal ends the generation
   * @throws {RequestValidationError}
   * @throws {ModelNotLoadedError}
   * @throws {InferenceError}
   */
  async complete(body: Body<TgiRequest>, reply: FastifyReply, signal: AbortSignal): Promise<TgiResponse> {
    const started = performance.now();
    const { writer, inputLength } = await this.begin(body, false, reply, signal);
    const { response, finish } = await writer.complete();
    void reply.headers(answerHeaders(performance.now() - started, finish, inputLength));
    return response;
  }

  /**
   * @param signal ends the generation
   * @throws {RequestValidationError}
   * @throws {ModelNotLoadedError}
   * @throws {InferenceError} here; once the stream has begun, an error is its last event
   */
  async stream(body: Body<TgiRequest>, reply: FastifyReply, signal: AbortSignal): Promise<Readable> {
    const { writer } = await this.begin(body, true, reply, signal);
    return eventStream(reply, withLastError(writer.stream(), reply, toErrorEvent));
  }

  /**
   * @returns with the seed of each answer
   * @throws {RequestValidationError}
   * @throws {ModelNotLoadedError}
   */
  plan({ request, warnings }: Body<TgiRequest>, stream: boolean) {
    const { contextLength } = this.models.model;
    const { inputs, parameters } = request;
    const { truncate = Infinity, max_new_tokens: maxNewTokens } = parameters ?? {};
    const plan = planAnswers(parameters, stream);
    const cutOf = (ids: readonly number[]): number => Math.max(0, ids.length - truncate);
    return {
      prompts: [{ kind: 'text', text: inputs }],
      answersPerPrompt: plan.seeds.length,
      requestsFor: (ids) => {
        const read = ids.slice(cutOf(ids));
        return toGenerationRequests(plan, maxNewTokens, read, contextLength - read.length);
      },
      limitsLength: maxNewTokens !== undefined,
      cutOf,
      warningsFor: () => warnings,
      seeds: plan.seeds,
    } satisfies Plan & { seeds: unknown };
  }

  private async begin(
    { request, warnings }: Body<TgiRequest>,
    stream: boolean,
    reply: FastifyReply,
    signal: AbortSignal,
  ) {
    const { model } = this.models;
    const { inputs, parameters } = request;
    const { seeds, ...plan } = this.plan({ request, warnings }, stream);
    const answers = await blameGrammar(
      beginAnswers(this.models, plan, signal),
      parameters?.grammar && 'parameters.grammar',
    );
    const [all] = answers.promptIds;
    const ids = all.slice(plan.cutOf(all));
    void reply.headers(requestHeaders(model.device, inputs));
    tellWarnings(reply, warnings);
    const writer = new AnswerWriter(answers, {
      request,
      warnings,
      seeds,
      specialIds: model.specialIds,
      inputLength: ids.length,
      firstToken: parameters?.decoder_input_details ? await this.describeFirst(ids[0], signal) : undefined,
    });
    return { writer, inputLength: ids.length };
  }

  /** The first token of a prompt: nothing comes before it that could make it probable. */
  private async describeFirst(id: number, signal: AbortSignal): Promise<PrefillToken> {
    return { id, text: await this.models.decode([id], signal), logprob: null };
  }
}

function toErrorEvent(error: unknown) {
  const { status, body } = toTgiError(error);
  return { status: isOurFault(status) ? 500 : status, event: dataEvent(body) };
}
