import { createCallId } from './call-id.js';
import { readJsonCall } from './json-call.js';
import type { ToolCallSyntax } from './tool-call-syntax.js';

const BEGIN = '<tool_call>';
const END = '</tool_call>';

/** Hermes, Qwen, SmolLM3: `<tool_call>{"name": "…", "arguments": {…}}</tool_call>`, one for each call. */
export const HERMES: ToolCallSyntax = {
  markers: [BEGIN, END],
  beginMarkers: [BEGIN],
  *read({ reader, calls }) {
    // The markers say that it is a call, also to a tool that nobody has.
    if (!(yield* readJsonCall(reader, calls, { isTool: () => true, isExplicit: true }))) return;
    yield* reader.whitespace();
    if (yield* reader.match([END])) reader.take();
  },
  createId: createCallId,
};
