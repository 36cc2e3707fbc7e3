/** Random choices of a test: the same seed gives the same test. (mulberry32, unlike the generator that is tested.) */
export class Seeded {
  constructor(private state: number) {}

  /** From 0 up to, not including, 1. */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from `least` to `most`, both included. */
  integer(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  pick<T>(items: readonly T[]): T {
    return items[this.integer(0, items.length - 1)];
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  list<T>(length: number, item: () => T): T[] {
    return Array.from({ length }, item);
  }

  /** The items in pieces of `least` to `most`. */
  split<T>(items: readonly T[], least: number, most: number): T[][] {
    const pieces: T[][] = [];
    for (let start = 0; start < items.length;) {
      const length = this.integer(least, most);
      pieces.push(items.slice(start, start + length));
      start += length;
    }
    return pieces;
  }
}
