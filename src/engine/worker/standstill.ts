import { monotonicNow } from '../clock.js';

/** Tells for how long there has been work of which nothing got on. */
export class Standstill {
  private readonly open = new Set<number>();
  private changed = 0;

  constructor(private readonly now: () => number = monotonicNow) {}

  begin(work: number): void {
    if (this.open.size === 0) this.progress();
    this.open.add(work);
  }

  end(work: number): void {
    if (this.open.delete(work)) this.progress();
  }

  /** Something got on without coming to an end. */
  progress(): void {
    this.changed = this.now();
  }

  /** Milliseconds; 0 when there is no work. */
  get duration(): number {
    return this.open.size === 0 ? 0 : this.now() - this.changed;
  }
}
