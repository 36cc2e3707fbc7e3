import type { Finish, TokenLogprobs } from '../../inference/inference-provider.js';
import type { OutputPart } from '../output/output-part.js';
import type { ChoiceBase, OpenAiFinishReason } from './dto/answer.dto.js';

/** A piece of an answer, or all of it. */
export interface AnswerText {
  readonly text: string;
  /** What the text is made of, on a route that takes it apart. */
  readonly parts: readonly OutputPart[];
  readonly ids: readonly number[];
  /** One for each token, when they were asked for. */
  readonly logprobs?: readonly TokenLogprobs[];
  /** Characters that the tokens before these say; counted only for log probabilities. */
  readonly offset: number;
}

/** How a route writes answers down. */
export interface AnswerFormat {
  readonly idPrefix: string;
  readonly object: string;
  readonly chunkObject: string;
  /** What a choice begins with in a stream; nothing for some. */
  readonly opening: object | undefined;
  /** A complete choice, but for what all choices have. */
  choice(answer: AnswerText): object;
  /** The same in a stream: what is new, or nothing new. */
  delta(answer: AnswerText | undefined): object;
  /** Whether there is nothing in it to tell; there may be tokens all the same, of half a character. */
  isEmpty(answer: AnswerText): boolean;
  /** Whether the prompt's token ids are told with every choice rather than once. */
  readonly promptIdsInChoice: boolean;
}

/**
 * How a choice ended.
 *
 * @param callsTools whether it calls any
 */
export function toFinish(
  { reason, stopString, stopTokenId }: Finish,
  callsTools: boolean,
): Pick<ChoiceBase, 'finish_reason' | 'stop_reason'> {
  const finished = FINISH_REASONS[reason];
  return {
    finish_reason: finished === 'stop' && callsTools ? 'tool_calls' : finished,
    stop_reason: stopString ?? stopTokenId ?? (reason === 'timeout' ? reason : null),
  };
}

const FINISH_REASONS: Readonly<Record<Finish['reason'], OpenAiFinishReason>> = {
  eos: 'stop',
  stop_token: 'stop',
  stop_string: 'stop',
  length: 'length',
  timeout: 'length',
};
