import { Injectable } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { Readable } from 'node:stream';
import { dataEvent, eventStream } from '../../common/http/event-stream.js';
import type { Prompt } from '../../inference/inference-provider.js';
import { beginAnswers } from '../answers.js';
import type { AnswerPlan, ChatPlan } from '../chat/chat.service.js';
import { withLastError } from '../last-error.js';
import { ModelService } from '../model.service.js';
import type { Plan } from '../plan.js';
import { type AskedGrammar, askedGrammar, blameGrammar } from '../structured-outputs.js';
import { tellWarnings } from '../warnings.js';
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

interface OpenAiPlan extends Plan {
  /** For the answers to a conversation; only after their requests are made. */
  readonly parserFactory: () => AnswerPlan['createParser'] | undefined;
}

/** From a valid request to an answer, complete or as a stream. */
@Injectable()
export class OpenAiService {
  constructor(private readonly models: ModelService) {}

  /**
   * @param signal ends what the plan has to find out
   * @throws {RequestValidationError}
   * @throws {ModelNotFoundError}
   * @throws {ModelNotLoadedError}
   */
  plan(
    { request, warnings }: Body<SamplingRequest>,
    { prompts, limits, chat }: RouteRequest,
    signal: AbortSignal,
  ): OpenAiPlan {
    const { model } = this.models;
    checkModel(request.model, model);
    checkTogether(request, limits, model, prompts.length);
    const grammar = grammarOf(request)?.grammar;
    let answers: AnswerPlan | undefined;
    return {
      prompts,
      answersPerPrompt: request.n,
      requestsFor: async (ids) => {
        answers = await chat?.planAnswers(ids, grammar, signal);
        const requests = toGenerationRequests(request, limits, ids, model.contextLength - ids.length);
        return requests.map((one) => ({ ...one, ...(grammar && { grammar }), ...answers?.options }));
      },
      parserFactory: () => answers?.createParser,
      limitsLength: limits.maxNewTokens !== undefined,
      warningsFor: () => warnings,
    };
  }

  /**
   * @param signal ends the generation
   * @throws what `plan` throws, and {InferenceError}
   */
  async answer(
    body: Body<SamplingRequest>,
    route: RouteRequest,
    reply: FastifyReply,
    signal: AbortSignal,
  ): Promise<object | Readable> {
    const { request, warnings } = body;
    const { format } = route;
    const { model } = this.models;
    const plan = this.plan(body, route, signal);
    const head = {
      id: `${format.idPrefix}-${reply.request.id}`,
      created: Math.floor(Date.now() / 1000),
      model: model.id,
      system_fingerprint: fingerprintOf(model),
    };
    const answers = await blameGrammar(
      beginAnswers(this.models, plan, signal),
      grammarOf(request)?.param ?? toolsOf(request),
    );
    const createParser = plan.parserFactory();
    const writer = new AnswerWriter(answers, { format, head, request, warnings, createParser });
    tellWarnings(reply, warnings);
    if (!request.stream) return writer.complete();
    return eventStream(reply, withLastError(writer.stream(), reply, toLastEvent));
  }
}

function grammarOf(request: SamplingRequest): AskedGrammar | undefined {
  return askedGrammar(request.response_format, request.structured_outputs);
}

/** The parameter that only chats have. */
function toolsOf(request: SamplingRequest): string | undefined {
  return 'tools' in request && request.tools !== undefined ? 'tools' : undefined;
}

function toLastEvent(error: unknown): { status: number; event: string } {
  const { status, body } = toOpenAiError(error);
  return { status, event: dataEvent(body) };
}
