import type { Decode } from '../../../../src/engine/tokens/window-detokenizer.js';

/** Decodes as a byte-level tokenizer does, over a vocabulary of byte strings. */
export function byteLevelDecode(vocabulary: readonly ArrayLike<number>[]): Decode {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  return (ids) => decoder.decode(Uint8Array.from(ids.flatMap((id) => Array.from(vocabulary[id]))));
}

/** Every byte is a token: its id is its value. */
export const decodeBytes: Decode = byteLevelDecode(Array.from({ length: 256 }, (_, byte) => [byte]));

/** The tokens of a text under `decodeBytes`. */
export function bytesOf(text: string): number[] {
  return [...new TextEncoder().encode(text)];
}
