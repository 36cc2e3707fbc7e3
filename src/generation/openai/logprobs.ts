import type { TokenLogprob, TokenLogprobs } from '../../inference/inference-provider.js';
import type { ChatLogprobs, ChatTopLogprob } from './dto/chat-completion.dto.js';
import type { CompletionLogprobs } from './dto/completion.dto.js';

/** JSON has no infinity; what vLLM says of a token that is impossible. */
const LEAST_LOGPROB = -9999;

export function toChatLogprobs(logprobs: readonly TokenLogprobs[] | undefined): ChatLogprobs | null {
  if (!logprobs) return null;
  return {
    content: logprobs.map((token) => ({ ...toChatLogprob(token), top_logprobs: token.top.map(toChatLogprob) })),
    refusal: null,
  };
}

/** @param offset characters that the tokens before these say */
export function toCompletionLogprobs(
  logprobs: readonly TokenLogprobs[] | undefined,
  offset: number,
): CompletionLogprobs | null {
  if (!logprobs) return null;
  const tokens = logprobs.map(textOf);
  let end = offset;
  return {
    tokens,
    token_logprobs: logprobs.map(clamp),
    top_logprobs: logprobs.map((token) =>
      Object.fromEntries([...token.top, token].map((one) => [textOf(one), clamp(one)])),
    ),
    text_offset: tokens.map((token) => (end += token.length) - token.length),
  };
}

/** Characters that the tokens say. */
export function lengthOf(logprobs: readonly TokenLogprobs[]): number {
  return logprobs.reduce((sum, token) => sum + textOf(token).length, 0);
}

function toChatLogprob(token: TokenLogprob): ChatTopLogprob {
  return { token: textOf(token), logprob: clamp(token), bytes: token.bytes };
}

function textOf({ bytes }: TokenLogprob): string {
  return Buffer.from(bytes).toString();
}

function clamp({ logprob }: TokenLogprob): number {
  return Math.max(logprob, LEAST_LOGPROB);
}
