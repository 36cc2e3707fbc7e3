/** Why a request is refused before anything is done about it. */
export type RefusalReason = 'unauthorized' | 'rate_limited' | 'overloaded' | 'draining';

/**
 * A request that is refused for when it comes, who sends it or how much, not for what it says. Each dialect tells it in
 * a shape of its own. The message is for the client and holds nothing secret.
 */
export abstract class RefusedError extends Error {
  abstract readonly reason: RefusalReason;
  abstract readonly status: number;
  /** Headers that go with the status, in any dialect. */
  readonly headers: Readonly<Record<string, string>> = {};
}

/** A request that the client may send again, later. */
export abstract class TooManyRequestsError extends RefusedError {
  // Not 503, which some clients repeat at once and for ever.
  override readonly status = 429;
  override readonly headers: Readonly<Record<string, string>>;

  /** @param retryAfter whole seconds, at least 1 */
  constructor(message: string, retryAfter: number) {
    super(message);
    this.headers = { 'retry-after': String(retryAfter) };
  }
}

/** Thrown when more is waiting than the server takes on. */
export class OverloadedError extends TooManyRequestsError {
  override readonly name = 'OverloadedError';
  override readonly reason = 'overloaded';
}

/** Thrown while the server finishes what it has begun, and begins nothing more. */
export class DrainingError extends RefusedError {
  override readonly name = 'DrainingError';
  override readonly reason = 'draining';
  override readonly status = 503;

  constructor() {
    super('The server is shutting down');
  }
}
