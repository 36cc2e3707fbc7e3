import { charactersOf, type CodePoints, complement, union } from './code-points.js';
import {
  characters,
  choice,
  EMPTY,
  invalid,
  type Node,
  repeat,
  rule,
  type Rules,
  sequence,
  text,
  token,
} from './rules.js';
import { NO_TOKENS, type TokenNames } from './token-names.js';

const MAX_LENGTH = 200_000;
const MAX_DEPTH = 100;
const MAX_COUNT = 100_000;
const NAME = /[A-Za-z0-9_.-]/;
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '0': '\0', b: '\b', f: '\f', v: '\v' };

/**
 * A grammar as llama.cpp (GBNF), xgrammar and vLLM write it: `name ::= …`, with `"text"`, `[a-z]`, `( )`, `|`, `*`, `+`,
 * `?`, `{m,n}`, `.`, `# comments`, and tokens as `<name>`, where that is a token as it stands, or `<[id]>`. It begins with the rule `root`.
 *
 * @param prefix stands before the name of each rule
 * @throws {EngineError} grammar_invalid with the line
 */
export function parseEbnf(source: string, tokens = NO_TOKENS, prefix = ''): Rules {
  if (source.length > MAX_LENGTH) invalid(`the grammar has ${source.length} characters, more than ${MAX_LENGTH}`);
  return new EbnfParser(source, tokens, prefix).parse();
}

class EbnfParser {
  private readonly input: readonly string[];
  private readonly rules = new Map<string, Node>();
  private at = 0;
  private depth = 0;

  constructor(
    source: string,
    private readonly tokens: TokenNames,
    private readonly prefix: string,
  ) {
    this.input = Array.from(source);
  }

  parse(): Rules {
    this.skip(true);
    while (this.at < this.input.length) {
      const name = this.name();
      this.skip(true);
      if (!this.takeAll('::=')) this.fail('::= was expected');
      if (this.rules.has(this.prefix + name)) this.fail(`rule ${name} is there twice`);
      this.rules.set(this.prefix + name, this.alternatives(false));
      this.skip(true);
    }
    return { root: `${this.prefix}root`, rules: this.rules };
  }

  /** @param inGroup whether lines may end within */
  private alternatives(inGroup: boolean): Node {
    if (++this.depth > MAX_DEPTH) this.fail(`more than ${MAX_DEPTH} groups in each other`);
    const ways: Node[] = [];
    // An alternative may stand on a line of its own.
    do ways.push(this.sequence(inGroup));
    while (this.takeBar());
    this.depth--;
    return choice(...ways);
  }

  private sequence(inGroup: boolean): Node {
    const parts: Node[] = [];
    for (;;) {
      this.skip(inGroup || parts.length === 0);
      const character = this.input[this.at];
      if (character === undefined || character === '|' || character === ')' || character === '\n' || character === '\r')
        break;
      if (parts.length === 0 && this.beginsRule()) break;
      parts.push(this.quantified(this.atom(character)));
    }
    return parts.length === 0 ? EMPTY : sequence(...parts);
  }

  private atom(character: string): Node {
    if (character === '"' || character === "'") return text(this.quoted(character));
    if (character === '[') return characters(this.characterClass());
    if (character === '.') {
      this.at++;
      return characters(complement([]));
    }
    if (character === '(') {
      this.at++;
      const group = this.alternatives(true);
      this.skip(true);
      if (!this.takeAll(')')) this.fail(') was expected');
      return group;
    }
    if (character === '<') return token(this.token());
    return rule(this.prefix + this.name());
  }

  private token(): number {
    let name = '';
    do {
      if (this.at >= this.input.length || this.input[this.at] === '\n') this.fail('a token does not end');
      name += this.input[this.at++];
    } while (!name.endsWith('>'));
    const [, number] = /^<\[(\d{1,9})\]>$/.exec(name) ?? [];
    const id = number === undefined ? this.tokens.idOf(name) : Number(number);
    if (id === undefined || id >= this.tokens.size) this.fail(`the model has no token ${name}`);
    return id;
  }

  private quantified(part: Node): Node {
    let node = part;
    for (;;) {
      if (this.takeAll('*')) node = repeat(node, 0);
      else if (this.takeAll('+')) node = repeat(node, 1);
      else if (this.takeAll('?')) node = repeat(node, 0, 1);
      else if (this.takeAll('{')) node = this.counted(node);
      else return node;
    }
  }

  private counted(part: Node): Node {
    let inside = '';
    while (this.input[this.at] !== '}') {
      if (this.at >= this.input.length || inside.length > 30) this.fail('} was expected');
      inside += this.input[this.at++];
    }
    this.at++;
    const counts = /^\s*(\d{0,9})\s*(,?)\s*(\d{0,9})\s*$/.exec(inside);
    if (!counts || (counts[1] === '' && counts[3] === '')) this.fail(`{${inside}} is no count`);
    const least = Number(counts[1] || 0);
    const most = counts[3] !== '' ? Number(counts[3]) : counts[2] ? Infinity : least;
    if (least > most) this.fail(`{${inside}} is out of order`);
    if (least > MAX_COUNT || (most !== Infinity && most > MAX_COUNT)) this.fail(`a count is above ${MAX_COUNT}`);
    return repeat(part, least, most);
  }

  private quoted(quote: string): string {
    this.at++;
    let value = '';
    while (this.input[this.at] !== quote) {
      if (this.at >= this.input.length || this.input[this.at] === '\n') this.fail('a text does not end');
      value += this.character();
    }
    this.at++;
    return value;
  }

  private characterClass(): CodePoints {
    this.at++;
    const negated = this.takeAll('^');
    let set: CodePoints = [];
    while (!this.takeAll(']')) {
      if (this.at >= this.input.length || this.input[this.at] === '\n') this.fail('a class does not end');
      const first = this.character().codePointAt(0) as number;
      if (this.input[this.at] === '-' && this.input[this.at + 1] !== ']') {
        this.at++;
        const last = this.character().codePointAt(0) as number;
        if (last < first) this.fail('a range is out of order');
        set = union(set, [[first, last]]);
      } else {
        set = union(set, charactersOf(String.fromCodePoint(first)));
      }
    }
    return negated ? complement(set) : set;
  }

  private character(): string {
    const character = this.input[this.at++];
    if (character !== '\\') return character;
    const escaped = this.input[this.at++] ?? this.fail('a backslash at the end');
    const length = { x: 2, u: 4, U: 8 }[escaped];
    if (length === undefined) return ESCAPES[escaped] ?? escaped;
    const digits = this.input.slice(this.at, this.at + length).join('');
    const code = Number.parseInt(digits, 16);
    if (!/^[0-9a-fA-F]+$/.test(digits) || digits.length < length || code > 0x10ffff) {
      this.fail(`\\${escaped}${digits} is no character`);
    }
    this.at += length;
    return String.fromCodePoint(code);
  }

  private name(): string {
    const begin = this.at;
    while (this.at < this.input.length && NAME.test(this.input[this.at])) this.at++;
    if (begin === this.at) this.fail(`${JSON.stringify(this.input[this.at])} was not expected`);
    return this.input.slice(begin, this.at).join('');
  }

  /** Whether what comes is the name of a new rule. */
  private beginsRule(): boolean {
    const begin = this.at;
    while (this.at < this.input.length && NAME.test(this.input[this.at])) this.at++;
    const named = this.at > begin;
    this.skip(false);
    const found = named && this.input.slice(this.at, this.at + 3).join('') === '::=';
    this.at = begin;
    return found;
  }

  private takeBar(): boolean {
    const begin = this.at;
    this.skip(true);
    if (this.takeAll('|')) return true;
    this.at = begin;
    return false;
  }

  private takeAll(wanted: string): boolean {
    if (this.input.slice(this.at, this.at + wanted.length).join('') !== wanted) return false;
    this.at += wanted.length;
    return true;
  }

  /** Passes white space and comments. */
  private skip(lines: boolean): void {
    for (;;) {
      const character = this.input[this.at];
      if (character === '#') while (this.at < this.input.length && this.input[this.at] !== '\n') this.at++;
      else if (character === ' ' || character === '\t' || (lines && (character === '\n' || character === '\r')))
        this.at++;
      else return;
    }
  }

  private fail(what: string): never {
    const line = this.input.slice(0, this.at).filter((character) => character === '\n').length + 1;
    return invalid(`line ${line} of the grammar: ${what}`);
  }
}
