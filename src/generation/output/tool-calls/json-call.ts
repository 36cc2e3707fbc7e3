import { readJson, readJsonString, readSymbol } from '../json-text.js';
import type { CallWriter } from '../part-writer.js';
import type { Parsing, TextReader } from '../text-reader.js';

/** Longer strings are no name of a tool. */
const MAX_NAME_LENGTH = 256;
const ARGUMENTS = ['arguments', 'parameters'];
const OTHER_KEYS = ['type', 'id'];
const nothing = (): void => undefined;

export interface JsonCallOptions {
  readonly isTool: (name: string) => boolean;
  /** Whether markers say that this is a call. If not, it has to have arguments, and nothing that no call has. */
  readonly isExplicit: boolean;
}

/**
 * Reads a call as most models write it: `{"name": "…", "arguments": {…}}`, or `parameters` instead. What is no part of a
 * call after all stays held in the reader.
 *
 * @returns whether a call was told of
 */
export function* readJsonCall(reader: TextReader, calls: CallWriter, options: JsonCallOptions): Parsing<boolean> {
  if (!(yield* readSymbol(reader, '{'))) return false;
  let name: string | undefined;
  /** Arguments that came before the name. */
  let early: string | undefined;
  let told = false;
  do {
    yield* reader.whitespace();
    const key = yield* readJsonString(reader, MAX_NAME_LENGTH);
    if (key === undefined || !(yield* readSymbol(reader, ':'))) return told;
    yield* reader.whitespace();
    if (key === 'name' && name === undefined) {
      name = yield* readJsonString(reader, MAX_NAME_LENGTH);
      if (!name || !options.isTool(name)) return false;
      if (early !== undefined) told = tellAll(reader, calls, name, early);
    } else if (ARGUMENTS.includes(key) && !told && early === undefined) {
      if (name === undefined) {
        early = yield* readArguments(reader);
        if (early === undefined) return false;
      } else {
        const outcome = yield* tellArguments(reader, calls, name);
        if (outcome !== 'complete') return outcome === 'broken';
        told = true;
      }
    } else if (!(options.isExplicit || OTHER_KEYS.includes(key)) || !(yield* readJson(reader, nothing))) {
      return told;
    }
  } while (yield* readSymbol(reader, ','));
  if (!(yield* readSymbol(reader, '}'))) return told;
  if (told) reader.take();
  else if (name !== undefined && options.isExplicit) told = tellAll(reader, calls, name, '{}');
  return told;
}

/** An object is told of as it comes: if it then turns out to be none, its beginning is what the call has. */
function* tellArguments(reader: TextReader, calls: CallWriter, name: string): Parsing<'none' | 'broken' | 'complete'> {
  if ((yield* reader.peek()) !== '{') {
    const text = yield* readArguments(reader);
    return text !== undefined && tellAll(reader, calls, name, text) ? 'complete' : 'none';
  }
  reader.take();
  calls.begin(name);
  const complete = yield* readJson(reader, () => calls.add(reader.take()));
  calls.end();
  return complete ? 'complete' : 'broken';
}

/** @returns the text of an object; also of one that was written as a string, or left out as null */
function* readArguments(reader: TextReader): Parsing<string | undefined> {
  const from = reader.held.length;
  if (!(yield* readJson(reader, nothing))) return undefined;
  const text = reader.held.slice(from);
  const value: unknown = JSON.parse(text);
  if (value === null) return '{}';
  if (typeof value === 'string') return isObjectText(value) ? value : undefined;
  return isObjectText(text) ? text : undefined;
}

function tellAll(reader: TextReader, calls: CallWriter, name: string, text: string): true {
  reader.take();
  calls.begin(name);
  calls.add(text);
  calls.end();
  return true;
}

function isObjectText(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}
