import { Allowance } from './allowance.js';
import { RateLimitedError } from './errors.js';

/** Most of each that a client may have in a minute; undefined for as many as it likes. */
export interface Limits {
  readonly requests: number | undefined;
  readonly tokens: number | undefined;
}

type Unit = keyof Limits;
const UNITS = ['requests', 'tokens'] as const satisfies readonly Unit[];

/** What a client may still do. */
export class Quota {
  private readonly allowances: readonly (readonly [Unit, Allowance])[];

  constructor(
    limits: Limits,
    private readonly now: () => number,
  ) {
    this.allowances = UNITS.flatMap((unit) => {
      const limit = limits[unit];
      return limit === undefined ? [] : [[unit, new Allowance(limit, now())] as const];
    });
  }

  /**
   * Counts a request.
   *
   * @returns why it may not go on: there must be a request left, and a token
   */
  admit(): RateLimitedError | undefined {
    const now = this.now();
    for (const [unit, allowance] of this.allowances) {
      if (allowance.remaining(now) > 0) continue;
      const seconds = Math.max(1, Math.ceil(allowance.msUntilNext(now) / 1000));
      const limit = `${allowance.perMinute} ${unit} a minute`;
      return new RateLimitedError(`The limit of ${limit} is reached: try again in ${seconds} s`, seconds);
    }
    this.spend('requests', 1);
    return undefined;
  }

  /** Of tokens, more than are left: how many an answer needs is known at its end. */
  spend(unit: Unit, amount: number): void {
    const now = this.now();
    for (const [own, allowance] of this.allowances) if (own === unit) allowance.spend(amount, now);
  }

  /** As OpenAI tells it: the limit, what is left of it, and when it is whole again. */
  headers(): Record<string, string> {
    const now = this.now();
    const headers = this.allowances.flatMap(([unit, allowance]) => [
      [`x-ratelimit-limit-${unit}`, String(allowance.perMinute)],
      [`x-ratelimit-remaining-${unit}`, String(allowance.remaining(now))],
      [`x-ratelimit-reset-${unit}`, duration(allowance.msUntilFull(now))],
    ]);
    return Object.fromEntries(headers) as Record<string, string>;
  }
}

/** The quotas of all clients. There are as many clients as there are keys. */
export class Quotas {
  private readonly quotas = new Map<string, Quota>();

  /** @param now in ms, of a clock that only goes forward */
  constructor(
    private readonly limits: Limits,
    private readonly now: () => number = () => performance.now(),
  ) {}

  of(client: string): Quota {
    let quota = this.quotas.get(client);
    if (!quota) this.quotas.set(client, (quota = new Quota(this.limits, this.now)));
    return quota;
  }
}

/** OpenAI's way to write a time: `6m0s`, `1s`, `17ms`. */
function duration(ms: number): string {
  if (ms < 1000) return `${Math.ceil(ms)}ms`;
  const seconds = Math.ceil(ms / 1000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}
