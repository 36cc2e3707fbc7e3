import type { GenerationEvent, TokenLogprobs } from '../../inference/inference-provider.js';
import type { AnswerText } from './answer-format.js';
import { lengthOf } from './logprobs.js';

type Tokens = Extract<GenerationEvent, { type: 'tokens' }>;

/** One of the answers as it grows. */
export class ChoiceText implements AnswerText {
  text = '';
  readonly ids: number[] = [];
  logprobs: TokenLogprobs[] | undefined;
  readonly offset = 0;
  private length = 0;

  /** @returns what the tokens add */
  add({ text, ids, logprobs }: Tokens): AnswerText {
    const added = { text, ids, logprobs, offset: this.length };
    this.text += text;
    this.ids.push(...ids);
    if (logprobs) {
      (this.logprobs ??= []).push(...logprobs);
      this.length += lengthOf(logprobs);
    }
    return added;
  }
}
