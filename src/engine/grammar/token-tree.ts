import { addAlphabet, alphabetOf, WORDS } from './alphabet.js';
import { shareArray } from './share-array.js';

/** Tokens by their bytes, as a tree in depth-first order: tokens that begin alike share the way there. */
export interface TokenTree {
  /** Of each node: its byte, how many bytes come before it, and the first node that is not below it. */
  readonly bytes: Uint8Array;
  readonly depths: Uint8Array;
  readonly skips: Int32Array;
  /** Of each node: how many characters the longest token has that ends there or below. */
  readonly lengths: Uint8Array;
  /** Of each node: the characters of the tokens that end there or below, an `Alphabet` each. */
  readonly alphabets: Int32Array;
  /** The tokens that end at node n are `ids[firstIds[n]]` up to, not including, `ids[firstIds[n + 1]]`. */
  readonly firstIds: Int32Array;
  readonly ids: Int32Array;
  /** Of each of these tokens: how many characters it has, and which. */
  readonly idLengths: Uint8Array;
  readonly idAlphabets: Int32Array;
}

export interface TreeToken {
  readonly id: number;
  /** In UTF-8; at least one. */
  readonly bytes: Uint8Array;
  /** Characters, from 1 to 255; one that is not complete counts as well. */
  readonly length: number;
}

/** A tree in memory that threads can share. */
export function buildTree(tokens: readonly TreeToken[]): TokenTree {
  const bytes: number[] = [];
  const depths: number[] = [];
  const skips: number[] = [];
  const lengths: number[] = [];
  /** How many tokens end at each node. */
  const ends: number[] = [];
  /** The nodes that lead to the token before. */
  const path: number[] = [];
  const closeBelow = (depth: number): void => {
    while (path.length > depth) skips[path.pop() as number] = bytes.length;
  };
  const sorted = inOrder(tokens);
  // A typed array for each node would take longer than all else; at most there are as many nodes as bytes.
  const alphabets = new Int32Array(WORDS * sorted.reduce((sum, token) => sum + token.bytes.length, 0));
  const idAlphabets = new Int32Array(WORDS * sorted.length);
  let before: Uint8Array = new Uint8Array(0);
  for (const [i, token] of sorted.entries()) {
    closeBelow(sharedLength(before, token.bytes));
    for (let depth = path.length; depth < token.bytes.length; depth++) {
      path.push(bytes.length);
      bytes.push(token.bytes[depth]);
      depths.push(depth);
      skips.push(0);
      lengths.push(0);
      ends.push(0);
    }
    ends[path[path.length - 1]]++;
    const alphabet = alphabetOf(token.bytes);
    addAlphabet(idAlphabets, i, alphabet);
    for (const node of path) {
      lengths[node] = Math.max(lengths[node], token.length);
      addAlphabet(alphabets, node, alphabet);
    }
    before = token.bytes;
  }
  closeBelow(0);
  let ended = 0;
  const firstIds = [0, ...ends.map((count) => (ended += count))];
  return {
    bytes: shareArray(Uint8Array, bytes),
    depths: shareArray(Uint8Array, depths),
    skips: shareArray(Int32Array, skips),
    lengths: shareArray(Uint8Array, lengths),
    alphabets: shareArray(Int32Array, alphabets.subarray(0, WORDS * bytes.length)),
    firstIds: shareArray(Int32Array, firstIds),
    ids: shareArray(
      Int32Array,
      sorted.map(({ id }) => id),
    ),
    idLengths: shareArray(
      Uint8Array,
      sorted.map(({ length }) => length),
    ),
    idAlphabets: shareArray(Int32Array, idAlphabets),
  };
}

/** By their bytes. Texts of one character a byte compare as the bytes do, and several times faster. */
function inOrder(tokens: readonly TreeToken[]): TreeToken[] {
  return tokens
    .map((token) => ({ token, order: Buffer.from(token.bytes).toString('latin1') }))
    .sort((a, b) => (a.order < b.order ? -1 : a.order > b.order ? 1 : a.token.id - b.token.id))
    .map(({ token }) => token);
}

function sharedLength(a: Uint8Array, b: Uint8Array): number {
  let length = 0;
  while (length < a.length && length < b.length && a[length] === b[length]) length++;
  return length;
}
