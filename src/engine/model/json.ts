import { readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { EngineError } from '../errors.js';
import { resolveFolderFile } from './folder-file.js';

export type JsonObject = Record<string, unknown>;

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A whole number, zero or above, that JavaScript holds exactly. */
export function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/**
 * Reads a JSON object.
 *
 * @throws {EngineError} model_invalid, naming the file, when it is missing, unreadable, not JSON or not an object.
 */
export function readJsonObject(path: string): JsonObject {
  const value = readOptionalJsonObject(path);
  if (!value) throw new EngineError('model_invalid', `${basename(path)}: not found in the model folder`);
  return value;
}

/** The same, but undefined when the file does not exist. */
export function readOptionalJsonObject(path: string): JsonObject | undefined {
  const text = readOptionalText(path);
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new EngineError('model_invalid', `${basename(path)}: is not valid JSON (${(error as Error).message})`);
  }
  if (!isJsonObject(value)) throw new EngineError('model_invalid', `${basename(path)}: is not a JSON object`);
  return value;
}

/** Far more than any tokenizer.json has. */
const MAX_TEXT_BYTES = 256 * 2 ** 20;

/**
 * The text of a UTF-8 file of a model folder, or undefined when it does not exist.
 *
 * @throws {EngineError} model_invalid, naming the file, when it is none, leads out of the folder or is absurdly long
 */
export function readOptionalText(path: string): string | undefined {
  const fail = (reason: string): never => {
    throw new EngineError('model_invalid', `${basename(path)}: ${reason}`);
  };
  const file = resolveFolderFile(path);
  if (file === undefined) return undefined;
  try {
    const { size } = statSync(file);
    if (size > MAX_TEXT_BYTES) fail(`has ${size} bytes, over the limit of ${MAX_TEXT_BYTES}`);
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof EngineError) throw error;
    return fail(`cannot be read (${(error as NodeJS.ErrnoException).code ?? String(error)})`);
  }
}
