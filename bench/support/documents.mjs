import { readFileSync } from 'node:fs';
import { ChatTemplate } from '../../dist/engine/tokens/chat-template.js';
import { PromptEncoder } from '../../dist/engine/tokens/prompt-encoder.js';

/** Tokens of plain text that are read in one go. */
const WINDOW = 512;

/**
 * Texts to judge a model by, as token ids: `scored` is the index of the first token that it has to predict. Of a chat
 * (a line of a .jsonl file, see bench/data/make_chats.py) that is the answer; of plain text everything but the first.
 */
export function readDocuments(file, { folder, tokenizer, eosIds }) {
  const text = readFileSync(file, 'utf8');
  if (!file.endsWith('.jsonl')) return windowsOf(tokenizer.encode(text, true));
  const encoder = new PromptEncoder(tokenizer, ChatTemplate.load(folder, tokenizer.config, tokenizer.specialTokens));
  return text
    .trimEnd()
    .split('\n')
    .map((line) => {
      const { answer, ...chat } = JSON.parse(line);
      const prompt = encoder.encode({ kind: 'chat', addGenerationPrompt: true, ...chat });
      return { ids: [...prompt, ...tokenizer.encode(answer, false), eosIds[0]], scored: prompt.length };
    });
}

function windowsOf(ids) {
  const count = Math.ceil(ids.length / WINDOW);
  return Array.from({ length: count }, (_, i) => ({ ids: ids.slice(i * WINDOW, (i + 1) * WINDOW), scored: 1 })).filter(
    (window) => window.ids.length > 1,
  );
}
