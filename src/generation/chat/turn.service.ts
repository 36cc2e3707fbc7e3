import { Injectable } from '@nestjs/common';
import type { Finish, GenerationRequest, TokenLogprobs } from '../../inference/inference-provider.js';
import { type Answers, beginAnswers } from '../answers.js';
import { ModelService } from '../model.service.js';
import { blameGrammar } from '../structured-outputs.js';
import type { OutputParser } from '../output/output-parser.js';
import type { OutputPart } from '../output/output-part.js';
import type { Plan } from '../plan.js';
import type { ChatRequest } from './chat-request.js';
import { ChatService } from './chat.service.js';

/** One answer that a dialect asks for. */
export interface Turn {
  readonly chat: ChatRequest;
  /** What the answer begins with already. */
  readonly continuation?: string;
  /** All that is not the conversation's. */
  readonly options: Omit<GenerationRequest, 'prompt' | 'maxNewTokens'>;
  readonly maxNewTokens?: number;
  /** The parameter that said `maxNewTokens`, where more than fit are no error, but as many as fit. */
  readonly clamped?: string;
  /** The parameter that the grammar of `options` is from. */
  readonly grammarParam?: string;
  /** What has no effect, in words. */
  readonly warnings: readonly string[];
}

/** What comes of an answer: its parts, then how it ended and what was counted. */
export type TurnEvent =
  | {
      readonly type: 'parts';
      readonly parts: readonly OutputPart[];
      /** When they were asked for: of the tokens since the last event. */
      readonly logprobs?: readonly TokenLogprobs[];
    }
  | (Finish & {
      readonly type: 'finish';
      /** The context was full before the answer was as long as it was allowed to be. */
      readonly contextFull: boolean;
      readonly promptTokens: number;
      readonly cachedTokens: number;
      readonly newTokens: number;
      /** Those of the new ones that were its thought. */
      readonly reasoningTokens: number;
    });

export interface TurnAnswer {
  readonly promptTokens: number;
  readonly warnings: readonly string[];
  readonly events: AsyncGenerator<TurnEvent, void>;
}

/** A turn that is ready to be taken. */
export interface TurnPlan extends Plan {
  /** For its answer; only after its requests are made. */
  readonly createParser: () => OutputParser;
}

/** Answers conversations one at a time, for dialects that know only one answer to a request. */
@Injectable()
export class TurnService {
  constructor(
    private readonly models: ModelService,
    private readonly chats: ChatService,
  ) {}

  /**
   * @param signal ends what the plan has to find out
   * @throws {RequestValidationError}
   * @throws {ModelNotLoadedError}
   */
  plan({ chat, continuation, options, maxNewTokens, clamped, warnings }: Turn, signal: AbortSignal): TurnPlan {
    const { prompt, planAnswers } = this.chats.plan(chat);
    const room = (ids: readonly number[]): number => this.models.model.contextLength - ids.length;
    const doesNotFit = (ids: readonly number[]): boolean =>
      clamped !== undefined && maxNewTokens !== undefined && room(ids) > 0 && maxNewTokens > room(ids);
    let createParser: TurnPlan['createParser'];
    return {
      prompts: [{ ...prompt, ...(continuation !== undefined && { continuation }) }],
      requestsFor: async (ids) => {
        const answers = await planAnswers(ids, options.grammar, signal);
        ({ createParser } = answers);
        const most = doesNotFit(ids) ? room(ids) : maxNewTokens;
        return [{ ...options, ...answers.options, prompt: { kind: 'tokens', ids }, maxNewTokens: most }];
      },
      createParser: () => createParser(),
      limitsLength: maxNewTokens !== undefined,
      warningsFor: ([ids]) =>
        doesNotFit(ids)
          ? [...warnings, `${clamped} is ${maxNewTokens}, but only ${room(ids)} tokens fit after the prompt`]
          : warnings,
    };
  }

  /**
   * Begins an answer. Returns when it is accepted: what is wrong with a request is an error here, before anything is sent.
   *
   * @param signal ends it, whether anybody reads on or not
   * @throws {RequestValidationError}
   * @throws {ModelNotLoadedError}
   * @throws {InferenceError} here or while iterating
   */
  async begin(turn: Turn, signal: AbortSignal): Promise<TurnAnswer> {
    const plan = this.plan(turn, signal);
    const param = turn.grammarParam ?? (turn.chat.tools && 'tools');
    const answers = await blameGrammar(beginAnswers(this.models, plan, signal), param);
    const { promptIds } = answers;
    const most = this.models.model.contextLength - promptIds[0].length;
    const isClamped = turn.maxNewTokens === undefined || turn.maxNewTokens > most;
    return {
      promptTokens: promptIds[0].length,
      warnings: plan.warningsFor(promptIds),
      events: readTurn(answers, plan.createParser(), isClamped),
    };
  }
}

async function* readTurn(
  { events }: Answers,
  parser: OutputParser,
  isClamped: boolean,
): AsyncGenerator<TurnEvent, void> {
  for await (const { event } of events) {
    if (event.type === 'tokens') {
      const parts = parser.push(event.text);
      yield { type: 'parts', parts, ...(event.logprobs && { logprobs: event.logprobs }) };
    }
    if (event.type === 'finish') {
      const rest = parser.end();
      if (rest.length > 0) yield { type: 'parts', parts: rest };
      const { thoughtTokens: reasoningTokens = 0 } = event;
      yield { ...event, reasoningTokens, contextFull: isClamped && event.reason === 'length' };
    }
  }
}
