import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readJson } from './folders.js';

interface TokenizerJson {
  readonly added_tokens: { readonly id: number; readonly content: string; readonly special: boolean }[];
  readonly model: { readonly vocab: Record<string, number>; merges: (readonly string[] | string)[] };
}

/**
 * Gives a model folder tokens of its own for some texts, as models have them for their markers: each takes the place of
 * the last ordinary ones.
 *
 * @returns their ids
 */
export function addTokens(folder: string, texts: readonly string[], special = true): number[] {
  const path = join(folder, 'tokenizer.json');
  const json = readJson(path) as TokenizerJson;
  const { vocab } = json.model;
  const added = new Set(json.added_tokens.map(({ id }) => id));
  const replaced = Object.entries(vocab)
    .filter(([, id]) => !added.has(id))
    .sort(([, a], [, b]) => b - a)
    .slice(0, texts.length);
  const gone = new Set(replaced.map(([piece]) => piece));
  json.model.merges = json.model.merges.filter((merge) => {
    const parts = typeof merge === 'string' ? merge.split(' ') : merge;
    return ![...parts, parts.join('')].some((piece) => gone.has(piece));
  });
  replaced.forEach(([piece, id], i) => {
    delete vocab[piece];
    vocab[texts[i]] = id;
    const content = texts[i];
    json.added_tokens.push({ id, content, special, ...FLAGS });
  });
  json.added_tokens.sort((a, b) => a.id - b.id);
  writeFileSync(path, JSON.stringify(json));
  return replaced.map(([, id]) => id);
}

const FLAGS = { single_word: false, lstrip: false, rstrip: false, normalized: false };
