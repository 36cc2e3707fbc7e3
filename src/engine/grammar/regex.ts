import {
  ANY_CHARACTER,
  charactersOf,
  type CodePoints,
  codePoints,
  complement,
  difference,
  union,
} from './code-points.js';
import { characters, choice, EMPTY, invalid, type Node, repeat, sequence } from './rules.js';

export interface RegexOptions {
  /** What stands for a character of a set: in a JSON string, for example, a quote is written with a backslash. */
  readonly charactersOf?: (set: CodePoints) => Node;
  /** Whether it is enough that a part of the text matches, as in JSON Schema. */
  readonly search?: boolean;
}

const MAX_LENGTH = 10_000;
const MAX_DEPTH = 100;
const MAX_COUNT = 100_000;

const DIGITS = codePoints([0x30, 0x39]);
const WORD = union(DIGITS, codePoints([0x41, 0x5a], [0x61, 0x7a], [0x5f, 0x5f]));
const SPACES = charactersOf(' \t\n\v\f\r\u00a0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff').concat([[0x2000, 0x200a]]);
const LINE_ENDS = charactersOf('\n\r\u2028\u2029');

const CLASSES: Readonly<Record<string, CodePoints>> = {
  d: DIGITS,
  D: complement(DIGITS),
  w: WORD,
  W: complement(WORD),
  s: union(SPACES),
  S: complement(SPACES),
};

const CONTROLS: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', f: '\f', v: '\v', '0': '\0' };

/** A way to match, and whether it has to begin or end where the text does. */
interface Alternative {
  readonly node: Node;
  readonly fromStart: boolean;
  readonly toEnd: boolean;
}

/**
 * The texts that a regular expression matches. Its syntax is what ECMAScript, Python and RE2 have in common.
 *
 * @throws {EngineError} grammar_invalid with the place, also for what no grammar can express: look-around, references
 * back, word boundaries
 */
export function regexNode(pattern: string, { charactersOf: of = characters, search = false }: RegexOptions = {}): Node {
  if (pattern.length > MAX_LENGTH) invalid(`a regular expression is longer than ${MAX_LENGTH} characters`);
  const alternatives = new RegexParser(pattern, of).parse();
  if (!search) return choice(...alternatives.map(({ node }) => node));
  const anything = repeat(of(ANY_CHARACTER), 0);
  return choice(
    ...alternatives.map(({ node, fromStart, toEnd }) =>
      sequence(fromStart ? EMPTY : anything, node, toEnd ? EMPTY : anything),
    ),
  );
}

class RegexParser {
  private readonly input: readonly string[];
  private at = 0;
  private depth = 0;

  constructor(
    private readonly pattern: string,
    private readonly of: (set: CodePoints) => Node,
  ) {
    this.input = Array.from(pattern);
  }

  parse(): Alternative[] {
    const alternatives = this.alternatives(true);
    if (this.at < this.input.length) this.fail('an unmatched )');
    return alternatives;
  }

  /** @param outer whether ^ and $ may stand here: they are about the whole text */
  private alternatives(outer: boolean): Alternative[] {
    if (++this.depth > MAX_DEPTH) this.fail(`more than ${MAX_DEPTH} groups in each other`);
    const found: Alternative[] = [];
    do found.push(...this.alternative(outer));
    while (this.take('|'));
    this.depth--;
    return found;
  }

  private alternative(outer: boolean): Alternative[] {
    let fromStart = false;
    while (this.takeAnchor('^', 'A')) {
      if (!outer) this.fail('^ within a group');
      fromStart = true;
    }
    const parts: Node[] = [];
    let whole: Alternative[] | undefined;
    while (this.at < this.input.length && !this.peek('|') && !this.peek(')')) {
      if (this.takeAnchor('$', 'Z', 'z')) {
        while (this.takeAnchor('$', 'Z', 'z'));
        if (!outer) this.fail('$ within a group');
        if (this.at < this.input.length && !this.peek('|') && !this.peek(')')) this.fail('$ that is not at the end');
        return [{ node: sequence(...parts), fromStart, toEnd: true }];
      }
      if (this.takeAnchor('^', 'A')) this.fail('^ that is not at the beginning');
      if (this.peek('(')) {
        // A group that is all there is may have anchors of its own.
        const first = parts.length === 0 && !fromStart;
        const group = this.group(outer && first);
        const ended = this.at >= this.input.length || this.peek('|') || this.peek(')');
        if (group.some((way) => way.fromStart || way.toEnd) && !ended) this.fail('^ or $ within a group');
        if (first && ended) whole = group;
        parts.push(this.quantified(choice(...group.map(({ node }) => node))));
      } else {
        parts.push(this.quantified(this.atom()));
      }
    }
    return whole ?? [{ node: sequence(...parts), fromStart, toEnd: false }];
  }

  private group(outer: boolean): Alternative[] {
    this.at++;
    if (this.take('?')) {
      const named = this.take('P') || this.peek('<');
      if (named && this.take('<') && !this.peek('=') && !this.peek('!')) {
        while (this.at < this.input.length && !this.take('>')) this.at++;
      } else if (!this.take(':')) {
        this.fail('look-around or a flag');
      }
    }
    const alternatives = this.alternatives(outer);
    if (!this.take(')')) this.fail('a group that does not end');
    return alternatives;
  }

  private quantified(part: Node): Node {
    let node = part;
    for (let count = this.quantifier(); count; count = this.quantifier()) {
      node = repeat(node, count.least, count.most);
      // Lazy or not: the texts are the same.
      this.take('?');
      if (this.peek('+')) this.fail('a possessive quantifier');
    }
    return node;
  }

  private quantifier(): { least: number; most: number } | undefined {
    if (this.take('*')) return { least: 0, most: Infinity };
    if (this.take('+')) return { least: 1, most: Infinity };
    if (this.take('?')) return { least: 0, most: 1 };
    const counts = /^\{(?:(\d{1,9})(,(\d{1,9})?)?|,(\d{1,9}))\}/.exec(this.rest(24));
    if (!counts) return undefined;
    this.at += counts[0].length;
    const [, exactly, range, upTo, fromNone] = counts;
    const least = Number(exactly ?? 0);
    const most = fromNone ? Number(fromNone) : range ? (upTo ? Number(upTo) : Infinity) : least;
    if (least > most) this.fail('a quantifier out of order');
    if (least > MAX_COUNT || (most !== Infinity && most > MAX_COUNT)) this.fail(`a count above ${MAX_COUNT}`);
    return { least, most };
  }

  private atom(): Node {
    const character = this.input[this.at++];
    switch (character) {
      case '.':
        return this.of(complement(LINE_ENDS));
      case '[':
        return this.of(this.characterClass());
      case '\\':
        return this.of(this.escape());
      case '*':
      case '+':
      case '?':
        return this.fail('a quantifier of nothing');
      default:
        return this.of(charactersOf(character));
    }
  }

  private characterClass(): CodePoints {
    const negated = this.take('^');
    let set: CodePoints = [];
    while (!this.take(']')) {
      if (this.at >= this.input.length) this.fail('a class that does not end');
      const first = this.classItem();
      if (this.peek('-') && this.input[this.at + 1] !== ']' && this.at + 1 < this.input.length) {
        this.at++;
        const last = this.classItem();
        if (!isOne(first) || !isOne(last) || last[0][0] < first[0][0]) this.fail('a range out of order');
        set = union(set, [[first[0][0], last[0][0]]]);
      } else {
        set = union(set, first);
      }
    }
    const found = negated ? complement(set) : set;
    return difference(found, []);
  }

  private classItem(): CodePoints {
    const character = this.input[this.at++];
    if (character === '[' && this.peek(':')) this.fail('a POSIX class');
    if (character !== '\\') return charactersOf(character);
    return this.take('b') ? charactersOf('\b') : this.escape();
  }

  /** What follows a backslash. */
  private escape(): CodePoints {
    const character = this.input[this.at++];
    if (character === undefined) this.fail('a backslash at the end');
    if (character in CLASSES) return CLASSES[character];
    if (character in CONTROLS) return charactersOf(CONTROLS[character]);
    const code = /^(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|u\{([0-9a-fA-F]{1,6})\})/.exec(character + this.rest(9));
    if (code) {
      this.at += code[0].length - 1;
      return this.codePoint(Number.parseInt(code[1] ?? code[2] ?? code[3], 16));
    }
    if (/[a-zA-Z0-9]/.test(character)) this.fail(`\\${character}`);
    return charactersOf(character);
  }

  private codePoint(code: number): CodePoints {
    // Two halves of a pair, as JSON and older expressions write a character beyond U+FFFF.
    const low = code >= 0xd800 && code <= 0xdbff ? /^\\u([dD][c-fC-F][0-9a-fA-F]{2})/.exec(this.rest(6)) : null;
    if (!low) return code > 0x10ffff ? this.fail('a character beyond Unicode') : [[code, code]];
    this.at += 6;
    const pair = 0x10000 + ((code - 0xd800) << 10) + (Number.parseInt(low[1], 16) - 0xdc00);
    return [[pair, pair]];
  }

  private takeAnchor(sign: string, ...escapes: readonly string[]): boolean {
    if (this.take(sign)) return true;
    if (!this.peek('\\') || !escapes.includes(this.input[this.at + 1])) return false;
    this.at += 2;
    return true;
  }

  private peek(character: string): boolean {
    return this.input[this.at] === character;
  }

  private take(character: string): boolean {
    if (!this.peek(character)) return false;
    this.at++;
    return true;
  }

  private rest(length: number): string {
    return this.input.slice(this.at, this.at + length).join('');
  }

  private fail(what: string): never {
    const shown = this.pattern.length > 60 ? `${this.pattern.slice(0, 60)}…` : this.pattern;
    return invalid(
      `the regular expression ${JSON.stringify(shown)} has ${what} at ${this.at}, which cannot be enforced`,
    );
  }
}

function isOne(set: CodePoints): boolean {
  return set.length === 1 && set[0][0] === set[0][1];
}
