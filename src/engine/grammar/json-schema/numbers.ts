import { codePoints } from '../code-points.js';
import { MAX_DIGITS } from '../json-text.js';
import { characters, choice, EMPTY, NEVER, type Node, repeat, sequence, text } from '../rules.js';

/** Numbers from `least` to `most`; a bound that is left out is that of the digits that numbers may have. */
export interface NumberRange {
  readonly least?: number;
  readonly aboveLeast?: boolean;
  readonly most?: number;
  readonly belowMost?: boolean;
}

const LARGEST = 10 ** MAX_DIGITS - 1;
const DIGIT = digits(0, 9);
const NONZERO = digits(1, 9);

/** Whole numbers in a range, written without a point or an exponent. */
export function integersIn({ least = -LARGEST, aboveLeast, most = LARGEST, belowMost }: NumberRange): Node {
  const first = Math.max(-LARGEST, aboveLeast ? Math.floor(least) + 1 : Math.ceil(least));
  const last = Math.min(LARGEST, belowMost ? Math.ceil(most) - 1 : Math.floor(most));
  if (first > last) return NEVER;
  const ways: Node[] = [];
  if (first < 0) ways.push(sequence(text('-'), naturalsIn(Math.max(1, -last), -first)));
  if (last >= 0) ways.push(naturalsIn(Math.max(0, first), last));
  return choice(...ways);
}

/** Numbers in a range, written without an exponent. */
export function numbersIn(range: NumberRange): Node | undefined {
  const given = [range.least, range.most].filter((bound) => bound !== undefined && Math.abs(bound) <= LARGEST);
  const [least, most] = [Math.max(-LARGEST, range.least ?? -LARGEST), Math.min(LARGEST, range.most ?? LARGEST)];
  if (least > most) return NEVER;
  const before = Math.max(1, ...given.map((bound) => String(Math.trunc(Math.abs(bound as number))).length));
  const bounds = [least, most].map(decimalOf);
  if (bounds.includes(undefined)) return undefined;
  const [low, high] = bounds as [Decimal, Decimal];
  // All digits together are as many as numbers keep, so that a number next to a bound is not rounded to it.
  const room = Math.max(low.fraction.length, high.fraction.length, MAX_DIGITS - before);
  const zero: Decimal = { whole: 0, fraction: '' };
  const { aboveLeast = false, belowMost = false } = range;
  const ways: Node[] = [];
  if (least < 0) {
    const nearest: Bound = most > 0 ? { ...zero, strict: false } : { ...high, strict: belowMost };
    ways.push(sequence(text('-'), magnitudesIn(nearest, { ...low, strict: aboveLeast }, room)));
  }
  if (most >= 0) {
    const nearest: Bound = least < 0 ? { ...zero, strict: false } : { ...low, strict: aboveLeast };
    ways.push(magnitudesIn(nearest, { ...high, strict: belowMost }, room));
  }
  return choice(...ways);
}

/** A number without its sign: digits before and after the point, the latter without zeros at the end. */
interface Decimal {
  readonly whole: number;
  readonly fraction: string;
}

interface Bound extends Decimal {
  readonly strict: boolean;
}

/** @returns undefined for a number that needs more digits than `MAX_DIGITS` */
function decimalOf(value: number): Decimal | undefined {
  const [mantissa, exponent] = Math.abs(value)
    .toExponential(MAX_DIGITS - 1)
    .split('e');
  if (Number(`${mantissa}e${exponent}`) !== Math.abs(value) || Number(exponent) < -MAX_DIGITS) return undefined;
  const all = mantissa.replace('.', '');
  const point = Number(exponent) + 1;
  const padded = point > 0 ? all : '0'.repeat(1 - point) + all;
  const split = Math.max(1, point);
  return { whole: Number(padded.slice(0, split)), fraction: padded.slice(split).replace(/0+$/, '') };
}

function magnitudesIn(low: Bound, high: Bound, room: number): Node {
  const fractionNode = (withoutPoint: boolean, after: Node): Node => {
    const withPoint = sequence(text('.'), after);
    return withoutPoint ? choice(EMPTY, withPoint) : withPoint;
  };
  const isAbove = (whole: number): boolean => whole > low.whole || (low.fraction === '' && !low.strict);
  const isBelow = (whole: number): boolean => whole < high.whole || high.fraction !== '' || !high.strict;
  if (low.whole === high.whole) {
    const { whole } = low;
    return sequence(text(String(whole)), fractionNode(isAbove(whole) && isBelow(whole), between(low, high, 0, room)));
  }
  return choice(
    sequence(text(String(low.whole)), fractionNode(isAbove(low.whole), from(low, 0, room))),
    sequence(naturalsIn(low.whole + 1, high.whole - 1), fractionNode(true, repeat(DIGIT, 1, room))),
    sequence(text(String(high.whole)), fractionNode(isBelow(high.whole), upTo(high, 0, room))),
  );
}

/*
 * Digits after the point, from the one at `place` on, with those before it equal to the bound's. Right after the point
 * there is at least one.
 */

function rest(place: number, room: number): Node {
  return repeat(DIGIT, place === 0 ? 1 : 0, room - place);
}

function positive(place: number, room: number): Node {
  if (place >= room) return NEVER;
  return sequence(repeat(text('0'), 0, room - place - 1), NONZERO, repeat(DIGIT, 0, room - place - 1));
}

function from({ fraction, strict }: Bound, place: number, room: number): Node {
  if (place === fraction.length) return strict ? positive(place, room) : rest(place, room);
  const digit = Number(fraction[place]);
  return choice(
    sequence(digits(digit + 1, 9), rest(place + 1, room)),
    sequence(text(fraction[place]), from({ whole: 0, fraction, strict }, place + 1, room)),
  );
}

function upTo(bound: Bound, place: number, room: number): Node {
  const { fraction, strict } = bound;
  if (place === fraction.length) return strict ? NEVER : repeat(text('0'), place === 0 ? 1 : 0, room - place);
  return choice(
    // What ends before the bound does is less.
    ...(place > 0 ? [EMPTY] : []),
    sequence(digits(0, Number(fraction[place]) - 1), rest(place + 1, room)),
    sequence(text(fraction[place]), upTo(bound, place + 1, room)),
  );
}

/** Up to the bound, but not 0. */
function positiveUpTo(bound: Bound, place: number, room: number): Node {
  const { fraction } = bound;
  if (place === fraction.length) return NEVER;
  const digit = Number(fraction[place]);
  if (digit === 0) return sequence(text('0'), positiveUpTo(bound, place + 1, room));
  return choice(
    sequence(text('0'), positive(place + 1, room)),
    sequence(digits(1, digit - 1), rest(place + 1, room)),
    sequence(text(fraction[place]), upTo(bound, place + 1, room)),
  );
}

function between(low: Bound, high: Bound, place: number, room: number): Node {
  if (place === low.fraction.length) return low.strict ? positiveUpTo(high, place, room) : upTo(high, place, room);
  if (place === high.fraction.length) return NEVER;
  const [first, last] = [Number(low.fraction[place]), Number(high.fraction[place])];
  if (first === last) return sequence(text(high.fraction[place]), between(low, high, place + 1, room));
  if (first > last) return NEVER;
  return choice(
    sequence(text(low.fraction[place]), from(low, place + 1, room)),
    sequence(digits(first + 1, last - 1), rest(place + 1, room)),
    sequence(text(high.fraction[place]), upTo(high, place + 1, room)),
  );
}

/** Whole numbers from `first`, at least 0, to `last`, without zeros in front. */
function naturalsIn(first: number, last: number): Node {
  const ways: Node[] = [];
  for (let length = String(first).length; first <= last && length <= String(last).length; length++) {
    const low = Math.max(first, length === 1 ? 0 : 10 ** (length - 1));
    const high = Math.min(last, 10 ** length - 1);
    ways.push(sameLength(String(low), String(high)));
  }
  return choice(...ways);
}

/** Digits from `low` to `high`, which have equally many. */
function sameLength(low: string, high: string): Node {
  const { length } = low;
  if (length === 0) return EMPTY;
  if (/^0*$/.test(low) && /^9*$/.test(high)) return repeat(DIGIT, length, length);
  const [first, last] = [Number(low[0]), Number(high[0])];
  if (first === last) return sequence(text(low[0]), sameLength(low.slice(1), high.slice(1)));
  const after = length - 1;
  return choice(
    sequence(text(low[0]), sameLength(low.slice(1), '9'.repeat(after))),
    sequence(digits(first + 1, last - 1), repeat(DIGIT, after, after)),
    sequence(text(high[0]), sameLength('0'.repeat(after), high.slice(1))),
  );
}

function digits(first: number, last: number): Node {
  return first > last ? NEVER : characters(codePoints([0x30 + first, 0x30 + last]));
}
