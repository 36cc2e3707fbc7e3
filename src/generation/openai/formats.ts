import type { AnswerFormat } from './answer-format.js';
import { toDelta, toMessage } from './chat-output.js';
import { toChatLogprobs, toCompletionLogprobs } from './logprobs.js';

/** `POST /v1/chat/completions`. */
export const CHAT_FORMAT: AnswerFormat = {
  idPrefix: 'chatcmpl',
  object: 'chat.completion',
  chunkObject: 'chat.completion.chunk',
  opening: { delta: { role: 'assistant', content: '' }, logprobs: null },
  choice: ({ parts, logprobs }) => ({ message: toMessage(parts), logprobs: toChatLogprobs(logprobs) }),
  delta: (answer) => ({ delta: toDelta(answer?.parts ?? []), logprobs: toChatLogprobs(answer?.logprobs) }),
  isEmpty: ({ parts }) => parts.every(({ type }) => type === 'tool_call_end'),
  promptIdsInChoice: false,
};

/** `POST /v1/completions`. */
export const TEXT_FORMAT: AnswerFormat = {
  idPrefix: 'cmpl',
  object: 'text_completion',
  chunkObject: 'text_completion',
  opening: undefined,
  choice: ({ text, logprobs, offset }) => ({ text, logprobs: toCompletionLogprobs(logprobs, offset) }),
  delta: (answer) => (answer ? TEXT_FORMAT.choice(answer) : { text: '', logprobs: null }),
  isEmpty: ({ text }) => text === '',
  promptIdsInChoice: true,
};
