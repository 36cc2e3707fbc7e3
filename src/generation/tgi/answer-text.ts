import type { Finish, GenerationEvent, TokenLogprob, TokenLogprobs } from '../../inference/inference-provider.js';
import type { PrefillToken, TgiFinishReason, Token } from './dto/answer.dto.js';

type TokensEvent = Extract<GenerationEvent, { type: 'tokens' }>;
export type FinishEvent = Extract<GenerationEvent, { type: 'finish' }>;

/** A generated token, and the most probable ones in its place. */
export interface DescribedToken {
  readonly token: Token;
  readonly top: readonly Token[];
}

/** Of an answer that ends before it begins, which its grammar may want. */
const NO_TOKEN: DescribedToken = { token: { id: 0, text: '', logprob: null, special: true }, top: [] };

/** An answer in the making, as this dialect tells it. */
export class AnswerText {
  /** A stop string that ended it belongs to it, unlike elsewhere. */
  text = '';
  readonly tokens: DescribedToken[] = [];
  /** What the answer says at its end without a token, as a grammar may have it. */
  private rest = '';
  /** Of the prompt's tokens but the first, when they were asked for. */
  promptLogprobs: readonly TokenLogprobs[] = [];
  finish: FinishEvent | undefined;

  constructor(private readonly specialIds: ReadonlySet<number>) {}

  /** How probable its tokens were on average: the mean of their log probabilities. */
  get meanLogprob(): number {
    const sum = this.tokens.reduce((total, { token }) => total + (token.logprob ?? -Infinity), 0);
    return sum / this.tokens.length;
  }

  /** @returns the tokens that are new; their texts together, but those of special ones, are the text */
  add({ text, texts = [text], logprobs = [], promptLogprobs }: TokensEvent): DescribedToken[] {
    this.text += text;
    this.rest = text.slice(texts.slice(0, logprobs.length).join('').length);
    if (promptLogprobs) this.promptLogprobs = promptLogprobs;
    const added = logprobs.map((logprob, i) => ({
      token: this.toToken(logprob, texts[i]),
      top: logprob.top.map((other) => this.toToken(other)),
    }));
    this.tokens.push(...added);
    return added;
  }

  /**
   * @param isTold whether the last token was told already
   * @returns the last token, with what is left to say
   */
  end(finish: FinishEvent, isTold = false): DescribedToken {
    this.finish = finish;
    const { stopString = '' } = finish;
    this.text += stopString;
    const left = this.rest + stopString;
    const { token, top } = this.tokens.pop() ?? NO_TOKEN;
    const last = { token: { ...token, text: token.text + left }, top };
    this.tokens.push(last);
    return isTold ? { token: { ...token, text: left }, top } : last;
  }

  /** @param said what it added to the text; if left out, what it says by itself */
  private toToken(logprob: TokenLogprob, said?: string): Token {
    const special = this.specialIds.has(logprob.token);
    const token = toPrefillToken(logprob);
    return { ...token, text: special ? (said ?? '') + token.text : (said ?? token.text), special };
  }
}

export function toPrefillToken({ token: id, bytes, logprob }: TokenLogprob): PrefillToken {
  // JSON has no infinity.
  return { id, text: Buffer.from(bytes).toString(), logprob: Number.isFinite(logprob) ? logprob : null };
}

export const FINISH_REASONS: Readonly<Record<Finish['reason'], TgiFinishReason>> = {
  eos: 'eos_token',
  stop_token: 'eos_token',
  stop_string: 'stop_sequence',
  length: 'length',
  timeout: 'length',
};
