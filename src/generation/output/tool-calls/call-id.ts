import { randomBytes } from 'node:crypto';

/** As OpenAI's. */
export function createCallId(): string {
  return `call_${randomBytes(12).toString('hex')}`;
}
