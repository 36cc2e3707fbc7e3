import { readSymbol } from '../json-text.js';
import type { Parsing } from '../text-reader.js';
import { createCallId } from './call-id.js';
import { readJsonCall } from './json-call.js';
import type { CallContext, ToolCallSyntax } from './tool-call-syntax.js';

const MARKER = '<|python_tag|>';

/**
 * Llama 3: the answer is `{"name": "…", "parameters": {…}}`, with or without a marker in front; several are set apart by
 * semicolons. Other JSON is an answer: only a call of a tool that the client has counts as one.
 */
function* readCalls({ reader, calls, isTool }: CallContext): Parsing<void> {
  do {
    if (!(yield* readJsonCall(reader, calls, { isTool, isExplicit: false }))) return;
    yield* reader.whitespace();
  } while ((yield* readSymbol(reader, ';')) || (yield* reader.peek()) === '{');
}

export const LLAMA3: ToolCallSyntax = {
  markers: [MARKER],
  beginMarkers: [MARKER],
  read: readCalls,
  readUnmarked: readCalls,
  createId: createCallId,
};
