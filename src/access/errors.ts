import { RefusedError, TooManyRequestsError } from '../common/refused.error.js';

/** Thrown for a request without a key, or with one that is not known. */
export class UnauthorizedError extends RefusedError {
  override readonly name = 'UnauthorizedError';
  override readonly reason = 'unauthorized';
  override readonly status = 401;
  override readonly headers = { 'www-authenticate': 'Bearer' };
}

/** Thrown for a client that asked for more than it may. */
export class RateLimitedError extends TooManyRequestsError {
  override readonly name = 'RateLimitedError';
  override readonly reason = 'rate_limited';
}
