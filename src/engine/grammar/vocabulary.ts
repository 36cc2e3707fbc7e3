import { shareArray } from './share-array.js';

/**
 * The tokens of a model by their bytes, as a tree in depth-first order: tokens that begin alike share the way there.
 * Special tokens and those without bytes are not in it. It lies in memory that threads can share.
 */
export interface Vocabulary {
  /** How many ids there are, those that are not in the tree included. */
  readonly size: number;
  /** Of each node: its byte, how many bytes come before it, and the first node that is not below it. */
  readonly bytes: Uint8Array;
  readonly depths: Uint8Array;
  readonly skips: Int32Array;
  /** The tokens that end at node n are `ids[firstIds[n]]` up to, not including, `ids[firstIds[n + 1]]`. */
  readonly firstIds: Int32Array;
  readonly ids: Int32Array;
  /** Tokens that begin with a space. */
  readonly spaced: Int32Array;
  /** Whether a space at the very beginning of an answer has no text. */
  readonly stripsSpace: boolean;
}

/** Longer tokens are long runs of one character, and are left out. */
export const MAX_TOKEN_BYTES = 254;
const SPACE = 0x20;

/** @param bytesOf the bytes of a token in UTF-8; undefined for one that no grammar may use */
export function buildVocabulary(
  size: number,
  bytesOf: (id: number) => Uint8Array | undefined,
  stripsSpace: boolean,
): Vocabulary {
  const tokens: { readonly id: number; readonly bytes: Uint8Array; readonly order: string }[] = [];
  for (let id = 0; id < size; id++) {
    const bytes = bytesOf(id);
    if (bytes && bytes.length > 0 && bytes.length <= MAX_TOKEN_BYTES) {
      // Texts of one character a byte compare as the bytes do, and several times faster.
      tokens.push({ id, bytes, order: Buffer.from(bytes).toString('latin1') });
    }
  }
  tokens.sort((a, b) => (a.order < b.order ? -1 : a.order > b.order ? 1 : a.id - b.id));
  const bytes: number[] = [];
  const depths: number[] = [];
  const skips: number[] = [];
  /** How many tokens end at each node. */
  const ends: number[] = [];
  /** The nodes that lead to the token before. */
  const path: number[] = [];
  const closeBelow = (depth: number): void => {
    while (path.length > depth) skips[path.pop() as number] = bytes.length;
  };
  let before: Uint8Array = new Uint8Array(0);
  for (const token of tokens) {
    closeBelow(sharedLength(before, token.bytes));
    for (let depth = path.length; depth < token.bytes.length; depth++) {
      path.push(bytes.length);
      bytes.push(token.bytes[depth]);
      depths.push(depth);
      skips.push(0);
      ends.push(0);
    }
    ends[path[path.length - 1]]++;
    before = token.bytes;
  }
  closeBelow(0);
  let ended = 0;
  const firstIds = [0, ...ends.map((count) => (ended += count))];
  const spaced = tokens.filter((token) => token.bytes[0] === SPACE);
  return {
    size,
    bytes: shareArray(Uint8Array, bytes),
    depths: shareArray(Uint8Array, depths),
    skips: shareArray(Int32Array, skips),
    firstIds: shareArray(Int32Array, firstIds),
    ids: shareArray(
      Int32Array,
      tokens.map(({ id }) => id),
    ),
    spaced: shareArray(
      Int32Array,
      spaced.map(({ id }) => id),
    ),
    stripsSpace,
  };
}

function sharedLength(a: Uint8Array, b: Uint8Array): number {
  let length = 0;
  while (length < a.length && length < b.length && a[length] === b[length]) length++;
  return length;
}
