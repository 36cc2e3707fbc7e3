import { timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { hashOfKey } from '../config/api-keys.js';

/** How a client without a key is called, when none is needed. */
export const ANONYMOUS = 'anonymous';

/** Enough of a key's hash to tell clients apart, and too little to find the key. */
const CLIENT_LENGTH = 8;

const BEARER = /^bearer +(\S+) *$/i;

/** Tells who sends a request. Keys are compared by their hashes, in a time that does not depend on what is in them. */
export class ApiKeys {
  private readonly known: readonly { readonly client: string; readonly hash: Buffer }[];

  /** @param hashes of the keys, see `hashOfKey`; none, and every request is welcome */
  constructor(hashes: readonly string[]) {
    this.known = hashes.map((hash) => ({ client: hash.slice(0, CLIENT_LENGTH), hash: Buffer.from(hash, 'hex') }));
  }

  /**
   * The client's name: the beginning of its key's hash, never of the key, or `anonymous` when there are no keys.
   *
   * @returns undefined for one that has no key or a wrong one
   */
  clientOf(headers: IncomingHttpHeaders): string | undefined {
    if (this.known.length === 0) return ANONYMOUS;
    return keysIn(headers)
      .map((key) => this.find(key))
      .find((client) => client !== undefined);
  }

  /** Looks at all of them, wherever the right one is. */
  private find(key: string): string | undefined {
    const hash = Buffer.from(hashOfKey(key), 'hex');
    let found: string | undefined;
    for (const { client, hash: known } of this.known) if (timingSafeEqual(known, hash)) found = client;
    return found;
  }
}

/** As OpenAI's clients send it, and as Anthropic's do. */
export function keysIn(headers: IncomingHttpHeaders): string[] {
  const { authorization = '', 'x-api-key': key } = headers;
  return [BEARER.exec(authorization)?.[1], key].filter(
    (value) => typeof value === 'string' && value !== '',
  ) as string[];
}
