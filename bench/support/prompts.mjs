import { PromptEncoder } from '../../dist/engine/tokens/prompt-encoder.js';
import { Tokenizer } from '../../dist/engine/tokens/tokenizer.js';
import { randomNumbers } from './random.mjs';

const WORDS =
  'the quick brown fox jumps over lazy dog while import function return class model server token of a river and garden'.split(
    ' ',
  );

const MOST_TOKENS_PER_WORD = 4;

/** More than any cache of prefixes holds: until one comes again, it is forgotten. */
const COUNT = 256;

/**
 * Different prompts of about so many tokens, chat template included: `text` for a server with a template of its own,
 * `ids` and `rendered` for one that takes what it is given.
 */
export function makePrompts(folder, tokens, count = COUNT) {
  const encoder = PromptEncoder.load(folder);
  const tokenizer = Tokenizer.load(folder);
  const encode = (text) =>
    encoder.hasChatTemplate
      ? encoder.encode({ kind: 'chat', messages: [{ role: 'user', content: text }], addGenerationPrompt: true })
      : encoder.encode({ kind: 'text', text });
  return Array.from({ length: count }, (_, seed) => {
    const random = randomNumbers(seed);
    const words = [];
    let missing = tokens;
    while (missing > 0) {
      // Never too many at once: a word is at most so many tokens.
      const count = Math.ceil(missing / MOST_TOKENS_PER_WORD);
      words.push(...Array.from({ length: count }, () => WORDS[random(WORDS.length)]));
      missing = tokens - encode(words.join(' ')).length;
    }
    const text = words.join(' ');
    const ids = [...encode(text)];
    return { text, ids, rendered: tokenizer.decode(ids, false) };
  });
}

/** Exactly so many tokens, drawn at random: no two share a prefix, and only their number matters. */
export function randomTokens(seed, count, vocabSize) {
  const random = randomNumbers(seed);
  return Array.from({ length: count }, () => random(vocabSize));
}
