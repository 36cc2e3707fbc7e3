import { monotonicNow } from '../clock.js';

/** Memory that two threads share: one says when it last got on, the other looks without asking. */
export class Pulse {
  private readonly moment: BigInt64Array;

  constructor(readonly memory = new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT)) {
    this.moment = new BigInt64Array(memory);
  }

  beat(): void {
    Atomics.store(this.moment, 0, BigInt(Math.round(monotonicNow())));
  }

  /** A moment of `monotonicNow`; 0 if there was none. */
  get last(): number {
    return Number(Atomics.load(this.moment, 0));
  }
}

/** Tells for how long there has been work of which nothing got done. */
export class Standstill {
  private readonly open = new Set<number>();
  private changed = 0;

  constructor(private readonly now: () => number = monotonicNow) {}

  begin(work: number): void {
    if (this.open.size === 0) this.changed = this.now();
    this.open.add(work);
  }

  end(work: number): void {
    if (this.open.delete(work)) this.changed = this.now();
  }

  /**
   * @param lastBeat moment at which something got done without coming to an end
   * @returns milliseconds; 0 when there is no work
   */
  duration(lastBeat = 0): number {
    return this.open.size === 0 ? 0 : Math.max(0, this.now() - Math.max(this.changed, lastBeat));
  }
}
