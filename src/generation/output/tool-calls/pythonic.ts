import { readSymbol } from '../json-text.js';
import { readPython } from '../python-text.js';
import type { Parsing } from '../text-reader.js';
import { createCallId } from './call-id.js';
import type { CallContext, ToolCallSyntax } from './tool-call-syntax.js';

const BEGINS = ['<|tool_call_start|>', '<|python_start|>'];
const ENDS = ['<|tool_call_end|>', '<|python_end|>'];

/**
 * Llama 3.2 and 4, LFM2: a list of calls as Python writes them, `[f(a=1), g()]`, with or without markers around it. Only
 * calls of tools that the client has count: other lists are an answer.
 */
function* readCalls(context: CallContext): Parsing<void> {
  const { reader } = context;
  if (!(yield* readSymbol(reader, '['))) return;
  do {
    yield* reader.whitespace();
    if (!(yield* readCall(context))) return;
  } while (yield* readSymbol(reader, ','));
  if (!(yield* readSymbol(reader, ']'))) return;
  yield* reader.whitespace();
  yield* reader.match(ENDS);
  reader.take();
}

export const PYTHONIC: ToolCallSyntax = {
  markers: [...BEGINS, ...ENDS],
  beginMarkers: BEGINS,
  read: readCalls,
  readUnmarked: readCalls,
  createId: createCallId,
};

/** @returns whether it is one; of one that turns out to be none, its beginning is what there is */
function* readCall({ reader, calls, isTool }: CallContext): Parsing<boolean> {
  const name = yield* reader.word(/^[\w.-]$/);
  if (!isTool(name) || !(yield* readSymbol(reader, '('))) return false;
  reader.take();
  calls.begin(name);
  const tell = (json: string): void => {
    reader.take();
    calls.add(json);
  };
  tell('{');
  const complete = yield* readKeywords({ reader, tell });
  if (complete) tell('}');
  calls.end();
  return complete;
}

function* readKeywords({
  reader,
  tell,
}: Pick<CallContext, 'reader'> & { readonly tell: (json: string) => void }): Parsing<boolean> {
  for (let separator = ''; !(yield* readSymbol(reader, ')')); separator = ', ') {
    if (separator !== '' && !(yield* readSymbol(reader, ','))) return false;
    if (separator !== '' && (yield* readSymbol(reader, ')'))) return true;
    yield* reader.whitespace();
    const key = yield* reader.word(/^\w$/);
    if (key === '' || !(yield* readSymbol(reader, '='))) return false;
    tell(`${separator}${JSON.stringify(key)}: `);
    yield* reader.whitespace();
    if (!(yield* readPython(reader, tell))) return false;
  }
  return true;
}
