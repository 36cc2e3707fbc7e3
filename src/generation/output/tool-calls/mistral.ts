import { randomInt } from 'node:crypto';
import { readJson, readSymbol } from '../json-text.js';
import type { Parsing } from '../text-reader.js';
import { readJsonCall } from './json-call.js';
import type { CallContext, ToolCallSyntax } from './tool-call-syntax.js';

const BEGIN = '[TOOL_CALLS]';
const ID = '[CALL_ID]';
const ARGUMENTS = '[ARGS]';
const ID_LENGTH = 9;
const ALPHABET = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';

/**
 * Mistral: `[TOOL_CALLS][{"name": "…", "arguments": {…}}, …]` and, since the eleventh version of its tokenizer,
 * `[TOOL_CALLS]name[ARGS]{…}` for each call, with an id between the two for some models.
 */
export const MISTRAL: ToolCallSyntax = {
  markers: [BEGIN, ID, ARGUMENTS],
  beginMarkers: [BEGIN],
  *read(context) {
    const { reader, calls } = context;
    yield* reader.whitespace();
    switch (yield* reader.peek()) {
      case '[':
        return yield* readList(context);
      case '{':
        return void (yield* readJsonCall(reader, calls, { isTool: () => true, isExplicit: true }));
      default:
        return yield* readNamed(context);
    }
  },
  createId: () => Array.from({ length: ID_LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join(''),
};

function* readList({ reader, calls }: CallContext): Parsing<void> {
  yield* readSymbol(reader, '[');
  do {
    if (!(yield* readJsonCall(reader, calls, { isTool: () => true, isExplicit: true }))) return;
  } while (yield* readSymbol(reader, ','));
  if (yield* readSymbol(reader, ']')) reader.take();
}

function* readNamed({ reader, calls }: CallContext): Parsing<void> {
  const name = yield* reader.word(/^[\w.-]$/);
  if (name === '') return;
  if (yield* reader.match([ID])) yield* reader.word(/^\w$/);
  yield* reader.match([ARGUMENTS]);
  yield* reader.whitespace();
  if ((yield* reader.peek()) !== '{') return;
  reader.take();
  calls.begin(name);
  yield* readJson(reader, () => calls.add(reader.take()));
  calls.end();
}
