import type { Sampler } from '../sampling/sampler.js';
import { Detokenizer, type Decode } from '../tokens/detokenizer.js';
import { StopStrings } from '../tokens/stop-strings.js';
import type { FinishReason } from '../types.js';
import type { Sequence } from './sequence.js';

export interface AnswerOptions {
  readonly maxNewTokens: number;
  readonly stop: readonly string[];
  readonly eosIds: ReadonlySet<number>;
  readonly decode: Decode;
}

/** What one step added to an answer. */
export interface AnswerStep {
  readonly text: string;
  readonly token: number;
  readonly finish?: { readonly reason: FinishReason; readonly stopString?: string };
}

/** A sequence on its way out: chooses its tokens, turns them into text and knows when it is done. */
export class Answer {
  private readonly detokenizer: Detokenizer;
  private readonly stopStrings: StopStrings;

  constructor(
    readonly sequence: Sequence,
    private readonly sampler: Sampler,
    private readonly options: AnswerOptions,
  ) {
    this.detokenizer = new Detokenizer(options.decode);
    this.stopStrings = new StopStrings(options.stop);
  }

  /** @param logits of the next token, one for each of the vocabulary; changed by this call */
  advance(logits: Float32Array): AnswerStep {
    const { sequence, options } = this;
    const token = this.sampler.next(logits);
    sequence.generated.push(token);
    if (options.eosIds.has(token)) return this.end(token, '', 'eos');
    const { text, stop } = this.stopStrings.push(this.detokenizer.push(token));
    if (stop !== undefined) return { text, token, finish: { reason: 'stop_string', stopString: stop } };
    return sequence.generated.length >= options.maxNewTokens ? this.end(token, text, 'length') : { text, token };
  }

  /** What was held back can no longer change, but may still complete a stop string. */
  private end(token: number, before: string, reason: FinishReason): AnswerStep {
    const { text, stop } = this.stopStrings.push(this.detokenizer.flush());
    if (stop !== undefined) return { text: before + text, token, finish: { reason: 'stop_string', stopString: stop } };
    return { text: before + text + this.stopStrings.flush(), token, finish: { reason } };
  }
}
