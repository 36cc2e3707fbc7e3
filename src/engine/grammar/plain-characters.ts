import { charactersOf, type CodePoints, codePoints, complement, difference, utf8Sequences } from './code-points.js';

/**
 * Characters that texts are mostly made of, and that a place in a grammar that takes any text takes, whatever the
 * grammar: all but control characters, the quote and the backslash, which a JSON string ends or escapes with, and what
 * some regular expressions take for the end of a line.
 */
const PLAIN: CodePoints = difference(complement(codePoints([0, 0x1f], [0x7f, 0x9f])), charactersOf('"\\\u2028\u2029'));

/** Their forms in UTF-8, as ranges of bytes. */
export const PLAIN_SEQUENCES = utf8Sequences(PLAIN);

/** Those of one byte. */
export const PLAIN_BYTES = PLAIN_SEQUENCES.flatMap(([[first, last], ...rest]) =>
  rest.length > 0 ? [] : Array.from({ length: last - first + 1 }, (_, i) => first + i),
);

/** Those of several bytes. */
export const LONG_SEQUENCES = PLAIN_SEQUENCES.filter((ranges) => ranges.length > 1);
const LONG = difference(PLAIN, codePoints([0, 0x7f]));

/** Whether all plain characters of several bytes belong to a set. */
export function hasLong(set: CodePoints): boolean {
  return difference(LONG, set).length === 0;
}

/** Whether a range of bytes up to this one may begin a character of several bytes. */
export function takesLongLead(last: number): boolean {
  return last >= LONG_SEQUENCES[0][0][0];
}

/** Tokens with more characters are few, and are not looked at as plain ones. */
export const PLAIN_LIMIT = 24;

/** @returns how many plain characters the bytes are, the last one complete or not; undefined for other bytes or more */
export function plainLength(bytes: Uint8Array): number | undefined {
  let length = 0;
  for (let at = 0; at < bytes.length; length++) {
    const size = characterSize(bytes, at);
    if (size === 0) return undefined;
    at += size;
  }
  return length <= PLAIN_LIMIT ? length : undefined;
}

/** How many bytes the plain character has that begins at a place; 0 if none does. */
function characterSize(bytes: Uint8Array, at: number): number {
  const found = PLAIN_SEQUENCES.find((ranges) =>
    ranges.every(([first, last], i) => at + i >= bytes.length || (bytes[at + i] >= first && bytes[at + i] <= last)),
  );
  return found?.length ?? 0;
}
