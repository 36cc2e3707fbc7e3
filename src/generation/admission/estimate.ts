import type { Prompt } from '../../inference/inference-provider.js';

/** A token of English text has about four characters; of others fewer. */
const CHARACTERS_PER_TOKEN = 3;

/** About how many tokens prompts have: told in no time, before they are rendered and tokenized. */
export function estimateTokens(prompts: readonly Prompt[]): number {
  return prompts.reduce((sum, prompt) => sum + tokensOf(prompt), 0);
}

function tokensOf(prompt: Prompt): number {
  switch (prompt.kind) {
    case 'tokens':
      return prompt.ids.length;
    case 'text':
      return fromCharacters(prompt.text.length);
    case 'chat':
      return fromCharacters(JSON.stringify([prompt.messages, prompt.tools]).length);
  }
}

function fromCharacters(characters: number): number {
  return Math.ceil(characters / CHARACTERS_PER_TOKEN);
}
