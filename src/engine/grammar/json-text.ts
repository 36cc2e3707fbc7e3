import { charactersOf, type CodePoints, codePoints, complement, difference, intersection } from './code-points.js';
import { characters, choice, type Node, optional, repeat, type RuleSet, sequence, text } from './rules.js';

/** Characters that a JSON string has as they are. */
const PLAIN = difference(complement(codePoints([0, 0x1f])), charactersOf('"\\'));
const DIGIT = characters(codePoints([0x30, 0x39]));
const NONZERO = characters(codePoints([0x31, 0x39]));
const HEX = characters(charactersOf('0123456789abcdefABCDEF'));

/** Characters with an escape of two characters. */
const SHORT_ESCAPES: readonly (readonly [character: string, escape: string])[] = [
  ['"', '"'],
  ['\\', '\\'],
  ['\b', 'b'],
  ['\f', 'f'],
  ['\n', 'n'],
  ['\r', 'r'],
  ['\t', 't'],
];

/** What stands in a JSON string for one character of a set, in one way only. */
export function jsonCharacter(set: CodePoints): Node {
  const plain = intersection(set, PLAIN);
  const escapes = SHORT_ESCAPES.filter(([character]) => intersection(set, charactersOf(character)).length > 0);
  const ways: Node[] = plain.length > 0 ? [characters(plain)] : [];
  if (escapes.length > 0) {
    ways.push(sequence(text('\\'), characters(charactersOf(escapes.map(([, escape]) => escape).join('')))));
  }
  return choice(...ways);
}

/** One character without a backslash. */
export const PLAIN_CHARACTER = characters(PLAIN);

/** Any one character of a JSON string. */
export function anyCharacter(rules: RuleSet): Node {
  return rules.once('character', () => {
    // Halves of surrogate pairs are left out: a character beyond U+FFFF stands for itself.
    const first = sequence(characters(charactersOf('0123456789abcefABCEF')), repeat(HEX, 3, 3));
    const second = sequence(characters(charactersOf('dD')), characters(charactersOf('01234567')), HEX, HEX);
    const unicode = sequence(text('u'), choice(first, second));
    const short = characters(charactersOf('"\\/bfnrt'));
    return choice(PLAIN_CHARACTER, sequence(text('\\'), choice(short, unicode)));
  });
}

export function anyString(rules: RuleSet): Node {
  return rules.once('string', () => sequence(text('"'), repeat(anyCharacter(rules), 0), text('"')));
}

/**
 * Numbers have at most so many digits before the point, as many after it, and two in the exponent: they are the same in
 * every language, and a model that repeats itself comes to an end.
 */
export const MAX_DIGITS = 15;

export const INTEGER = choice(text('0'), sequence(optional(text('-')), NONZERO, repeat(DIGIT, 0, MAX_DIGITS - 1)));

export const NUMBER = sequence(
  optional(text('-')),
  choice(text('0'), sequence(NONZERO, repeat(DIGIT, 0, MAX_DIGITS - 1))),
  optional(sequence(text('.'), repeat(DIGIT, 1, MAX_DIGITS))),
  optional(sequence(characters(charactersOf('eE')), optional(characters(charactersOf('+-'))), repeat(DIGIT, 1, 2))),
);

const SPACE = optional(text(' '));
/** One space may follow, as in most JSON that models have read; no other white space, in which small ones get lost. */
export const COMMA = sequence(text(','), SPACE);
export const COLON = sequence(text(':'), SPACE);

/** `open item, item close`, with so many items. */
export function list(open: string, item: Node, close: string, least: number, most: number): Node {
  if (most === 0) return text(open + close);
  const more = repeat(sequence(COMMA, item), Math.max(0, least - 1), most - 1);
  const items = sequence(item, more);
  return sequence(text(open), least === 0 ? optional(items) : items, text(close));
}

export function member(key: Node, value: Node): Node {
  return sequence(key, COLON, value);
}

/** A value exactly as `JSON.stringify` writes it. */
export function literal(value: unknown): Node {
  return text(JSON.stringify(value));
}

export function anyValue(rules: RuleSet): Node {
  return rules.once('value', () =>
    choice(anyObject(rules), anyArray(rules), anyString(rules), NUMBER, text('true'), text('false'), text('null')),
  );
}

export function anyObject(rules: RuleSet): Node {
  return rules.once('object', () => list('{', member(anyString(rules), anyValue(rules)), '}', 0, Infinity));
}

export function anyArray(rules: RuleSet): Node {
  return rules.once('array', () => list('[', anyValue(rules), ']', 0, Infinity));
}

/** A key that is none of these; without backslashes, so that there is one way to write each. */
export function otherKey(taken: readonly string[]): Node {
  return sequence(text('"'), otherThan(taken.map((key) => Array.from(key))));
}

/** The rest of a string, with its quote, that is none of the rests of `taken`. */
function otherThan(taken: readonly (readonly string[])[]): Node {
  const byFirst = new Map<string, (readonly string[])[]>();
  for (const [first, ...rest] of taken) {
    if (first !== undefined) byFirst.set(first, [...(byFirst.get(first) ?? []), rest]);
  }
  const others = difference(PLAIN, charactersOf([...byFirst.keys()].join('')));
  const ways = [sequence(characters(others), repeat(PLAIN_CHARACTER, 0), text('"'))];
  for (const [first, rests] of byFirst) {
    if (intersection(charactersOf(first), PLAIN).length > 0) ways.push(sequence(text(first), otherThan(rests)));
  }
  const isTaken = taken.some((rest) => rest.length === 0);
  return choice(...ways, ...(isTaken ? [] : [text('"')]));
}
