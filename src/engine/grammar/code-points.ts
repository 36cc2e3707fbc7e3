/** A set of Unicode code points: ascending pairs of the first and the last of a range; ranges do not touch. */
export type CodePoints = readonly (readonly [first: number, last: number])[];

const LAST = 0x10ffff;
/** They are no characters by themselves, and UTF-8 has no form for them. */
const SURROGATES: CodePoints = [[0xd800, 0xdfff]];

export function codePoints(...ranges: readonly (readonly [number, number])[]): CodePoints {
  const sorted = [...ranges].sort((a, b) => a[0] - b[0]);
  const merged: [number, number][] = [];
  for (const [first, last] of sorted) {
    const before = merged.at(-1);
    if (before && first <= before[1] + 1) before[1] = Math.max(before[1], last);
    else merged.push([first, last]);
  }
  return merged;
}

/** Those that stand in a text. */
export function charactersOf(text: string): CodePoints {
  return codePoints(
    ...Array.from(text, (character) => {
      const code = character.codePointAt(0) as number;
      return [code, code] as const;
    }),
  );
}

export function union(...sets: readonly CodePoints[]): CodePoints {
  return codePoints(...sets.flat());
}

/** All other characters; never a surrogate. */
export function complement(set: CodePoints): CodePoints {
  const rest: [number, number][] = [];
  let next = 0;
  for (const [first, last] of union(set, SURROGATES)) {
    if (first > next) rest.push([next, first - 1]);
    next = last + 1;
  }
  if (next <= LAST) rest.push([next, LAST]);
  return rest;
}

export function intersection(a: CodePoints, b: CodePoints): CodePoints {
  return complement(union(complement(a), complement(b)));
}

export function difference(a: CodePoints, b: CodePoints): CodePoints {
  return intersection(a, complement(b));
}

export const ANY_CHARACTER = complement([]);

/** Ranges of bytes, one after the other. */
export type ByteSequence = readonly (readonly [first: number, last: number])[];

/** Where the number of bytes in UTF-8 changes. */
const LENGTHS = [
  { last: 0x7f, bytes: 1 },
  { last: 0x7ff, bytes: 2 },
  { last: 0xffff, bytes: 3 },
  { last: LAST, bytes: 4 },
] as const;

/** The sequences of bytes that are the characters of a set in UTF-8. */
export function utf8Sequences(set: CodePoints): ByteSequence[] {
  const sequences: ByteSequence[] = [];
  for (const [first, last] of difference(set, SURROGATES)) {
    let from = first;
    for (const { last: end, bytes } of LENGTHS) {
      if (from > end || from > last) continue;
      split(from, Math.min(last, end), bytes, sequences);
      from = end + 1;
    }
  }
  return sequences;
}

/** Splits a range until all but its first differing byte are whole ranges of continuation bytes. */
function split(first: number, last: number, bytes: number, into: ByteSequence[]): void {
  for (let i = 1; i < bytes; i++) {
    const low = (1 << (6 * i)) - 1;
    if (first >> (6 * i) === last >> (6 * i)) continue;
    if ((first & low) !== 0) {
      split(first, first | low, bytes, into);
      return split((first | low) + 1, last, bytes, into);
    }
    if ((last & low) !== low) {
      split(first, (last & ~low) - 1, bytes, into);
      return split(last & ~low, last, bytes, into);
    }
  }
  const low = encode(first, bytes);
  const high = encode(last, bytes);
  into.push(low.map((byte, i) => [byte, high[i]] as const));
}

const LEAD = [0, 0, 0xc0, 0xe0, 0xf0] as const;

function encode(code: number, bytes: number): number[] {
  if (bytes === 1) return [code];
  return Array.from({ length: bytes }, (_, i) => {
    const six = code >> (6 * (bytes - 1 - i));
    return i === 0 ? LEAD[bytes] | six : 0x80 | (six & 0x3f);
  });
}
