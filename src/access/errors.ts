/** Why a request is refused before anything is done about it. Dialects say each in their own shape. */
export type RefusalReason = 'unauthorized' | 'rate_limited';

/**
 * A request that is refused for who sends it or how much, not for what it says. The message is for the client and holds
 * nothing secret.
 */
export abstract class RefusedError extends Error {
  abstract readonly reason: RefusalReason;
  abstract readonly status: number;
  /** Headers that go with the status, in any dialect. */
  readonly headers: Readonly<Record<string, string>> = {};
}

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
