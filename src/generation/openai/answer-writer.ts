import { dataEvent } from '../../common/http/event-stream.js';
import type { Finish, GenerationEvent } from '../../inference/inference-provider.js';
import type { Answers } from '../answers.js';
import type { OutputParser } from '../output/output-parser.js';
import { type AnswerFormat, type AnswerText, toFinish } from './answer-format.js';
import { ChoiceText } from './choice-text.js';
import type { AnswerBase } from './dto/answer.dto.js';
import type { SamplingRequest } from './dto/sampling-request.dto.js';
import type { Usage } from './dto/usage.dto.js';

export interface WriterOptions {
  readonly format: AnswerFormat;
  /** What all chunks say alike. */
  readonly head: Omit<AnswerBase, 'warnings'>;
  readonly request: Pick<SamplingRequest, 'n' | 'stream_options' | 'return_token_ids'>;
  readonly warnings: readonly string[];
  /** For each answer, on a route that takes them apart. */
  readonly createParser?: () => OutputParser;
}

type FinishEvent = Extract<GenerationEvent, { type: 'finish' }>;

const DONE = 'data: [DONE]\n\n';

/** Writes down the answers to one request: complete, or as they come. */
export class AnswerWriter {
  private readonly choices: readonly ChoiceText[];
  private readonly perPrompt: number;
  private cachedTokens = 0;
  private thoughtTokens: number | undefined;

  constructor(
    private readonly answers: Answers,
    private readonly options: WriterOptions,
  ) {
    this.perPrompt = options.request.n ?? 1;
    const count = answers.promptIds.length * this.perPrompt;
    this.choices = Array.from({ length: count }, () => new ChoiceText(options.createParser?.()));
  }

  /** The answer as one JSON value. */
  async complete(): Promise<object> {
    const { format, head } = this.options;
    const finishes: Finish[] = [];
    for await (const { index, event } of this.answers.events) {
      if (event.type === 'tokens') this.choices[index].add(event);
      if (event.type !== 'finish') continue;
      this.choices[index].end();
      finishes[index] = this.finish(index, event);
    }
    const choices = this.choices.map((choice, index) => ({
      index,
      ...format.choice(choice),
      ...toFinish(finishes[index], choice.callsTools),
      ...this.promptIds(index),
      ...this.tokenIds(choice),
    }));
    return { ...head, object: format.object, choices, usage: this.usage(), ...this.once() };
  }

  /** The answer as the text of server-sent events. */
  async *stream(): AsyncGenerator<string, void> {
    const { format, request } = this.options;
    const withUsage = request.stream_options?.include_usage ?? false;
    const usage = withUsage ? { usage: null } : {};
    // Told once, with the first chunk.
    let first: object | undefined = this.once();
    const chunk = (index: number, choice: object, finish: object = NOT_FINISHED): string => {
      const choices = [{ index, ...choice, ...finish }];
      const event = this.chunk({ choices, ...usage, ...first });
      first = undefined;
      return event;
    };
    if (format.opening) {
      for (const index of this.choices.keys()) yield chunk(index, format.opening);
    }
    const begun = new Set<number>();
    for await (const { index, event } of this.answers.events) {
      if (event.type === 'finish') {
        const choice = this.choices[index];
        const rest = choice.end();
        if (!format.isEmpty(rest)) yield chunk(index, format.delta(rest));
        yield chunk(index, format.delta(undefined), toFinish(this.finish(index, event), choice.callsTools));
      }
      if (event.type !== 'tokens') continue;
      const added = this.choices[index].add(event);
      if (this.saysNothing(added)) continue;
      const promptIds = begun.has(index) ? {} : this.promptIds(index);
      begun.add(index);
      yield chunk(index, { ...format.delta(added), ...promptIds, ...this.tokenIds(added) });
    }
    if (withUsage) yield this.chunk({ choices: [], usage: this.usage() });
    yield DONE;
  }

  private chunk(fields: object): string {
    const { head, format } = this.options;
    return dataEvent({ ...head, object: format.chunkObject, ...fields });
  }

  private finish(index: number, { cachedTokens, thoughtTokens, ...finish }: FinishEvent): Finish {
    // The other answers to a prompt share what the first one computed.
    if (index % this.perPrompt === 0) this.cachedTokens += cachedTokens;
    if (thoughtTokens !== undefined) this.thoughtTokens = (this.thoughtTokens ?? 0) + thoughtTokens;
    return finish;
  }

  /** Tokens of half a character, or text that is held back. */
  private saysNothing(answer: AnswerText): boolean {
    const { format, request } = this.options;
    return format.isEmpty(answer) && answer.logprobs === undefined && !request.return_token_ids;
  }

  private usage(): Usage {
    const count = (lists: readonly (readonly number[])[]): number => lists.reduce((sum, ids) => sum + ids.length, 0);
    const prompt = count(this.answers.promptIds);
    const completion = count(this.choices.map(({ ids }) => ids));
    return {
      prompt_tokens: prompt,
      completion_tokens: completion,
      total_tokens: prompt + completion,
      prompt_tokens_details: { cached_tokens: this.cachedTokens },
      ...(this.thoughtTokens !== undefined && {
        completion_tokens_details: { reasoning_tokens: this.thoughtTokens },
      }),
    };
  }

  /** What is told once for the whole answer. */
  private once(): object {
    const { warnings, format, request } = this.options;
    const [ids] = this.answers.promptIds;
    return {
      ...(request.return_token_ids && !format.promptIdsInChoice && { prompt_token_ids: ids }),
      ...(warnings.length > 0 && { warnings }),
    };
  }

  private promptIds(index: number): object {
    const { request, format } = this.options;
    if (!request.return_token_ids || !format.promptIdsInChoice) return {};
    return { prompt_token_ids: this.answers.promptIds[Math.floor(index / this.perPrompt)] };
  }

  private tokenIds({ ids }: AnswerText): object {
    return this.options.request.return_token_ids ? { token_ids: ids } : {};
  }
}

const NOT_FINISHED = { finish_reason: null } as const;
