import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { ConfigError } from './config-error.js';

/** What is kept of a key: its SHA-256, in hexadecimal. */
export function hashOfKey(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}

/**
 * The hashes of all keys, of `API_KEY` and of the lines of `API_KEY_FILE`.
 *
 * @throws {ConfigError} for a variable that is set and has no key, or one that no header can carry: a mistake must not
 * leave the server open. The message quotes no key.
 */
export function readApiKeys(list: string | undefined, file: string | undefined): string[] {
  const keys = [
    ...(list === undefined ? [] : keysOf('API_KEY', list, ',')),
    ...(file === undefined ? [] : keysOf('API_KEY_FILE', read(file), '\n')),
  ];
  return [...new Set(keys)].map(hashOfKey);
}

function keysOf(name: string, list: string, separator: string): string[] {
  const keys = list
    .split(separator)
    .map((key) => key.trim())
    .filter((key) => key !== '');
  if (keys.length === 0) throw new ConfigError(`${name} is set, but has no key`);
  if (!keys.every((key) => /^[\x21-\x7e]+$/.test(key))) {
    throw new ConfigError(`${name} has a key that is not made of visible ASCII characters`);
  }
  return keys;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ConfigError(`API_KEY_FILE is ${JSON.stringify(path)}, which cannot be read (${code ?? String(error)})`);
  }
}
