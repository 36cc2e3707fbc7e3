import type { ToolCallFormat } from '../output-format.js';
import type { CallWriter } from '../part-writer.js';
import type { Parsing, TextReader } from '../text-reader.js';
import { HERMES } from './hermes.js';
import { LLAMA3 } from './llama3.js';
import { MISTRAL } from './mistral.js';
import { PYTHONIC } from './pythonic.js';

export interface CallContext {
  readonly reader: TextReader;
  readonly calls: CallWriter;
  /** Whether the client has a tool of that name. */
  readonly isTool: (name: string) => boolean;
}

/** How models of a kind write calls into their text. */
export interface ToolCallSyntax {
  /** What calls begin with, and what ends them. Some of these may be special tokens. */
  readonly markers: readonly string[];
  readonly beginMarkers: readonly string[];
  /**
   * Reads calls after a marker has been read. What is no part of a call after all stays held in the reader, the marker
   * included, and is content.
   */
  readonly read: (context: CallContext) => Parsing<void>;
  /** The same where the content begins, or a call has ended; for formats that need no marker there. */
  readonly readUnmarked?: (context: CallContext) => Parsing<void>;
  /** Makes a name for a call that no other call has, as the models' templates want them. */
  readonly createId: () => string;
}

export const TOOL_CALL_SYNTAXES: Readonly<Record<ToolCallFormat, ToolCallSyntax>> = {
  hermes: HERMES,
  llama3: LLAMA3,
  mistral: MISTRAL,
  pythonic: PYTHONIC,
};
