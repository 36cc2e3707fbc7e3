import { readSymbol } from './json-text.js';
import type { Parsing, TextReader } from './text-reader.js';

const MAX_DEPTH = 200;
const JSON_NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;
const WORDS: Readonly<Record<string, string>> = {
  True: 'true',
  False: 'false',
  None: 'null',
  true: 'true',
  false: 'false',
  null: 'null',
};
const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  b: '\b',
  f: '\f',
  '0': '\0',
  '\\': '\\',
  "'": "'",
  '"': '"',
};
/** How many hexadecimal digits follow. */
const HEX_ESCAPES: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };
const CLOSING: Readonly<Record<string, string>> = { '[': ']', '(': ')', '{': '}' };

/**
 * Reads a literal of Python's: a string, a number, a truth value, None, a list, a tuple or a dict.
 *
 * @param tell is given the same as JSON, as it is read
 * @returns whether it is one; what was told is its beginning otherwise
 */
export function* readPython(reader: TextReader, tell: (json: string) => void, depth = MAX_DEPTH): Parsing<boolean> {
  const first = yield* reader.peek();
  switch (first) {
    case '"':
    case "'":
      return yield* readString(reader, first, tell);
    case '[':
    case '(':
    case '{':
      return depth > 0 && (yield* readContainer(reader, first, tell, depth - 1));
    default:
      return yield* readScalar(reader, tell);
  }
}

function* readString(reader: TextReader, quote: string, tell: (json: string) => void): Parsing<boolean> {
  reader.skip();
  tell('"');
  for (;;) {
    const character = yield* reader.peek();
    if (character === '' || character === '\n') return false;
    reader.skip();
    if (character === quote) break;
    const said = character === '\\' ? yield* readEscape(reader) : character;
    if (said === undefined) return false;
    tell(JSON.stringify(said).slice(1, -1));
  }
  tell('"');
  return true;
}

/** What follows a backslash; what is no escape is text, as in Python. */
function* readEscape(reader: TextReader): Parsing<string | undefined> {
  const kind = yield* reader.peek();
  if (kind === '') return undefined;
  reader.skip();
  const length = HEX_ESCAPES[kind];
  if (length === undefined) return ESCAPES[kind] ?? `\\${kind}`;
  const digits = yield* reader.word(/^[\da-fA-F]$/, length);
  const code = Number.parseInt(digits, 16);
  return digits.length === length && code <= 0x10ffff ? String.fromCodePoint(code) : undefined;
}

function* readContainer(
  reader: TextReader,
  open: string,
  tell: (json: string) => void,
  depth: number,
): Parsing<boolean> {
  const isDict = open === '{';
  reader.skip();
  tell(isDict ? '{' : '[');
  for (let first = true; !(yield* readSymbol(reader, CLOSING[open])); first = false) {
    // Python takes a comma behind the last one, too; JSON does not.
    const separator = first ? '' : ', ';
    if (!first && !(yield* readSymbol(reader, ','))) return false;
    if (!first && (yield* readSymbol(reader, CLOSING[open]))) break;
    yield* reader.whitespace();
    const before = once(separator, tell);
    if (isDict) {
      const quote = yield* reader.peek();
      if (quote !== '"' && quote !== "'") return false;
      if (!(yield* readString(reader, quote, before)) || !(yield* readSymbol(reader, ':'))) return false;
      tell(': ');
      yield* reader.whitespace();
    }
    if (!(yield* readPython(reader, isDict ? tell : before, depth))) return false;
  }
  tell(isDict ? '}' : ']');
  return true;
}

/** Tells a text before the first that follows. */
function once(before: string, tell: (json: string) => void): (json: string) => void {
  let rest = before;
  return (json) => {
    tell(rest + json);
    rest = '';
  };
}

function* readScalar(reader: TextReader, tell: (json: string) => void): Parsing<boolean> {
  const word = yield* reader.word(/^[-+.\w]$/);
  const json = Object.hasOwn(WORDS, word) ? WORDS[word] : numberOf(word);
  if (json === undefined) return false;
  tell(json);
  return true;
}

function numberOf(word: string): string | undefined {
  if (JSON_NUMBER.test(word)) return word;
  if (!/^[-+]?(\d[\d_]*\.?\d*|\.\d+)([eE][-+]?\d+)?$/.test(word)) return undefined;
  const value = Number(word.replaceAll('_', ''));
  return Number.isFinite(value) ? JSON.stringify(value) : undefined;
}
