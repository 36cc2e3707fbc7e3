import { plainLength } from './plain-characters.js';
import { shareArray } from './share-array.js';
import { buildTree, type TokenTree, type TreeToken } from './token-tree.js';

/**
 * The tokens of a model by their bytes. Special tokens and those without bytes are in neither tree. It lies in memory
 * that threads can share.
 */
export interface Vocabulary {
  /** How many ids there are, those that are in no tree included. */
  readonly size: number;
  /** Tokens of nothing but plain characters (see plain-characters.ts), most of all. */
  readonly plain: TokenTree;
  readonly other: TokenTree;
  /** A mask of the tokens that are in one of the trees. */
  readonly texts: Uint32Array;
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
  const plain: TreeToken[] = [];
  const other: TreeToken[] = [];
  for (let id = 0; id < size; id++) {
    const bytes = bytesOf(id);
    if (!bytes || bytes.length === 0 || bytes.length > MAX_TOKEN_BYTES) continue;
    const length = plainLength(bytes);
    if (length === undefined) other.push({ id, bytes, length: bytes.length });
    else plain.push({ id, bytes, length });
  }
  const spaced = [...plain, ...other].filter(({ bytes }) => bytes[0] === SPACE);
  return {
    size,
    plain: buildTree(plain),
    other: buildTree(other),
    texts: maskOf(size, [...plain, ...other]),
    spaced: shareArray(
      Int32Array,
      spaced.map(({ id }) => id),
    ),
    stripsSpace,
  };
}

/** How many numbers of 32 bits a mask has. */
export function maskLength(size: number): number {
  return (size + 31) >> 5;
}

function maskOf(size: number, tokens: readonly TreeToken[]): Uint32Array {
  const mask = new Uint32Array(new SharedArrayBuffer(4 * maskLength(size)));
  for (const { id } of tokens) mask[id >> 5] |= 1 << (id & 31);
  return mask;
}
