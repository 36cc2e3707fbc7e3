import { RefusedError } from '../common/refused.error.js';

/** Thrown for a request without a key, or with one that is not known. */
export class UnauthorizedError extends RefusedError {
  override readonly name = 'UnauthorizedError';
  override readonly reason = 'unauthorized';
  override readonly status = 401;
  override readonly headers = { 'www-authenticate': 'Bearer' };
}

/** Thrown for a client that asked for more than it may; it may come back. */
export class RateLimitedError extends RefusedError {
  override readonly name = 'RateLimitedError';
  override readonly reason = 'rate_limited';
  override readonly status = 429;
  override readonly headers: Readonly<Record<string, string>>;

  /** @param retryAfter whole seconds, at least 1 */
  constructor(message: string, retryAfter: number) {
    super(message);
    this.headers = { 'retry-after': String(retryAfter) };
  }
}
