import type { Prompt } from '../../inference/inference-provider.js';

/** A token of English text has about four characters; of others fewer. */
const CHARACTERS_PER_TOKEN = 3;

/** About how many tokens a prompt has: told in no time, before it is rendered and tokenized. */
export function estimateTokens(prompt: Prompt): number {
  switch (prompt.kind) {
    case 'tokens':
      return prompt.ids.length;
    case 'text':
      return tokensOf(prompt.text.length);
    case 'chat':
      return tokensOf(JSON.stringify([prompt.messages, prompt.tools]).length);
  }
}

/** About how many tokens so many characters are. */
export function tokensOf(characters: number): number {
  return Math.ceil(characters / CHARACTERS_PER_TOKEN);
}
