import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { EngineError } from '../errors.js';

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

/** The text of a UTF-8 file, or undefined when it does not exist. */
export function readOptionalText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new EngineError('model_invalid', `${basename(path)}: cannot be read (${code ?? String(error)})`);
  }
}
