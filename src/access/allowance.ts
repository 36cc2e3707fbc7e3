const MINUTE_MS = 60_000;

/**
 * So much a minute: a token bucket, which holds a minute's worth and fills evenly. It may be overdrawn, by what is only
 * known once it is spent; what is owed is filled up first. Times are of any clock that only goes forward, in ms.
 */
export class Allowance {
  private level: number;
  private filledAt: number;

  constructor(
    readonly perMinute: number,
    now: number,
  ) {
    this.level = perMinute;
    this.filledAt = now;
  }

  /** What is left, in whole units; never below zero. */
  remaining(now: number): number {
    this.fill(now);
    return Math.max(0, Math.floor(this.level));
  }

  spend(amount: number, now: number): void {
    this.fill(now);
    this.level -= amount;
  }

  /** Until there is a unit to spend; 0 if there is one. */
  msUntilNext(now: number): number {
    return this.msUntil(1, now);
  }

  msUntilFull(now: number): number {
    return this.msUntil(this.perMinute, now);
  }

  private msUntil(level: number, now: number): number {
    this.fill(now);
    return Math.max(0, ((level - this.level) * MINUTE_MS) / this.perMinute);
  }

  private fill(now: number): void {
    this.level = Math.min(this.perMinute, this.level + ((now - this.filledAt) * this.perMinute) / MINUTE_MS);
    this.filledAt = now;
  }
}
