/**
 * A set of plain characters (see plain-characters.ts), 128 bits: one for each character of one byte, and the last one,
 * which no plain character of one byte has, for all that have more bytes together.
 */
export type Alphabet = Int32Array;

/** How many numbers of 32 bits it has. */
export const WORDS = 4;
/** Stands for all characters of several bytes. */
export const OTHERS = 127;

export function emptyAlphabet(): Alphabet {
  return new Int32Array(WORDS);
}

/** @param character of one byte, or `OTHERS` */
export function addCharacter(alphabet: Alphabet, character: number): void {
  alphabet[character >> 5] |= 1 << (character & 31);
}

/** The characters that bytes in UTF-8 are made of, complete or not. */
export function alphabetOf(bytes: Uint8Array): Alphabet {
  const alphabet = emptyAlphabet();
  for (const byte of bytes) addCharacter(alphabet, Math.min(byte, OTHERS));
  return alphabet;
}

export function addAll(alphabet: Alphabet, other: Alphabet): void {
  for (let i = 0; i < WORDS; i++) alphabet[i] |= other[i];
}

export function without(alphabet: Alphabet, other: Alphabet): Alphabet {
  return alphabet.map((word, i) => word & ~other[i]);
}

export function isSame(a: Alphabet, b: Alphabet): boolean {
  return a[0] === b[0] && a[1] === b[1] && a[2] === b[2] && a[3] === b[3];
}

export function isEmpty(alphabet: Alphabet): boolean {
  return alphabet.every((word) => word === 0);
}

/** Adds the characters of another one to the `index`th alphabet of a list, one after the other. */
export function addAlphabet(list: Int32Array, index: number, other: Alphabet): void {
  for (let i = 0; i < WORDS; i++) list[WORDS * index + i] |= other[i];
}

/** Whether the `index`th alphabet of a list, one after the other, has a character of another one. */
export function meets(list: Int32Array, index: number, { 0: a, 1: b, 2: c, 3: d }: Alphabet): boolean {
  const at = WORDS * index;
  return ((list[at] & a) | (list[at + 1] & b) | (list[at + 2] & c) | (list[at + 3] & d)) !== 0;
}

export function sizeOf(alphabet: Alphabet): number {
  let size = 0;
  for (let bit = 0; bit < 32 * WORDS; bit++) size += (alphabet[bit >> 5] >>> (bit & 31)) & 1;
  return size;
}
