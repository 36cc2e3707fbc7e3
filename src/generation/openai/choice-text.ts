import type { GenerationEvent, TokenLogprobs } from '../../inference/inference-provider.js';
import type { OutputParser } from '../output/output-parser.js';
import type { OutputPart } from '../output/output-part.js';
import type { AnswerText } from './answer-format.js';
import { lengthOf } from './logprobs.js';

type Tokens = Extract<GenerationEvent, { type: 'tokens' }>;

/** One of the answers as it grows. */
export class ChoiceText implements AnswerText {
  text = '';
  readonly parts: OutputPart[] = [];
  readonly ids: number[] = [];
  logprobs: TokenLogprobs[] | undefined;
  readonly offset = 0;
  private length = 0;

  /** @param parser of the text, on a route that takes it apart */
  constructor(private readonly parser: OutputParser | undefined) {}

  get callsTools(): boolean {
    return this.parts.some(({ type }) => type === 'tool_call_begin');
  }

  /** @returns what the tokens add */
  add({ text, ids, logprobs }: Tokens): AnswerText {
    const parts = this.parser?.push(text) ?? [];
    const added = { text, parts, ids, logprobs, offset: this.length };
    this.text += text;
    this.parts.push(...parts);
    this.ids.push(...ids);
    if (logprobs) {
      (this.logprobs ??= []).push(...logprobs);
      this.length += lengthOf(logprobs);
    }
    return added;
  }

  /** @returns what was held back, now that nothing follows */
  end(): AnswerText {
    const parts = this.parser?.end() ?? [];
    this.parts.push(...parts);
    return { text: '', parts, ids: [], offset: this.length };
  }
}
