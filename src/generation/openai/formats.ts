import type { AnswerFormat } from './answer-format.js';
import { toChatLogprobs, toCompletionLogprobs } from './logprobs.js';

/** `POST /v1/chat/completions`. */
export const CHAT_FORMAT: AnswerFormat = {
  idPrefix: 'chatcmpl',
  object: 'chat.completion',
  chunkObject: 'chat.completion.chunk',
  opening: { delta: { role: 'assistant', content: '' }, logprobs: null },
  choice: ({ text, logprobs }) => ({
    message: { role: 'assistant', content: text, refusal: null },
    logprobs: toChatLogprobs(logprobs),
  }),
  delta: (answer) => ({
    delta: answer ? { content: answer.text } : {},
    logprobs: toChatLogprobs(answer?.logprobs),
  }),
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
  promptIdsInChoice: true,
};
