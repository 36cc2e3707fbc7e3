import type { Parsing, TextReader } from './text-reader.js';

/** Deeper values are not read: reading them would go as deep. */
const MAX_DEPTH = 200;
const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;

/**
 * Reads a JSON value.
 *
 * @param accept is called while it is read: all that is read by then is the beginning of a JSON value
 * @returns whether it is one; what is read by then is its text, without that which makes it none
 */
export function* readJson(reader: TextReader, accept: () => void, depth = MAX_DEPTH): Parsing<boolean> {
  const first = yield* reader.peek();
  switch (first) {
    case '"':
      return yield* readString(reader, accept);
    case '{':
    case '[':
      return depth > 0 && (yield* readContainer(reader, accept, depth - 1));
    default:
      return yield* readScalar(reader, accept);
  }
}

/** Reads a JSON string of at most `most` characters; undefined if there is none. */
export function* readJsonString(reader: TextReader, most: number): Parsing<string | undefined> {
  if ((yield* reader.peek()) !== '"') return undefined;
  const from = reader.held.length;
  const complete = yield* readString(reader, () => undefined, most);
  return complete ? (JSON.parse(reader.held.slice(from)) as string) : undefined;
}

/** Reads this character if it is the next, after space. */
export function* readSymbol(reader: TextReader, symbol: string): Parsing<boolean> {
  yield* reader.whitespace();
  if ((yield* reader.peek()) !== symbol) return false;
  reader.skip();
  return true;
}

function* readString(reader: TextReader, accept: () => void, most = Infinity): Parsing<boolean> {
  reader.skip();
  for (let length = 0; length <= most; length++) {
    const character = yield* reader.peek();
    if (character === '' || character < ' ') return false;
    reader.skip();
    if (character === '\\' && !(yield* readEscape(reader))) return false;
    accept();
    if (character === '"') return true;
  }
  return false;
}

/** What follows a backslash. */
function* readEscape(reader: TextReader): Parsing<boolean> {
  const kind = yield* reader.peek();
  if (kind === '' || !'"\\/bfnrtu'.includes(kind)) return false;
  reader.skip();
  for (let digits = 0; kind === 'u' && digits < 4; digits++) {
    if (!/^[\da-fA-F]$/.test(yield* reader.peek())) return false;
    reader.skip();
  }
  return true;
}

function* readContainer(reader: TextReader, accept: () => void, depth: number): Parsing<boolean> {
  const isObject = (yield* reader.peek()) === '{';
  const close = isObject ? '}' : ']';
  reader.skip();
  accept();
  if (yield* readSymbol(reader, close)) {
    accept();
    return true;
  }
  for (;;) {
    if (isObject) {
      yield* reader.whitespace();
      if ((yield* reader.peek()) !== '"') return false;
      if (!(yield* readString(reader, accept))) return false;
      if (!(yield* readSymbol(reader, ':'))) return false;
      accept();
      yield* reader.whitespace();
    }
    if (!(yield* readJson(reader, accept, depth))) return false;
    const goesOn = yield* readSymbol(reader, ',');
    if (!goesOn && !(yield* readSymbol(reader, close))) return false;
    accept();
    if (!goesOn) return true;
    yield* reader.whitespace();
  }
}

/** A number, true, false or null. */
function* readScalar(reader: TextReader, accept: () => void): Parsing<boolean> {
  const word = yield* reader.match(['true', 'false', 'null']);
  if (word === undefined) {
    const number = yield* reader.word(/^[-+.\deE]$/);
    if (!NUMBER.test(number)) return false;
  }
  accept();
  return true;
}
