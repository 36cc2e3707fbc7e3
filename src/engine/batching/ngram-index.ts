import type { Sequence } from './sequence.js';

/** The tokens before a place, so many, are what it is found by; the longest first. */
const LENGTHS = [4, 3, 2] as const;

/** Finds where a sequence has said before what it says now. Grows with the sequence: each token is looked at once. */
export class NgramIndex {
  /** For each length: the hash of that many tokens → the latest place that came after them. */
  private readonly places = LENGTHS.map(() => new Map<number, number>());
  /** Places from here on are not in the index. */
  private indexed = 0;

  constructor(private readonly sequence: Sequence) {}

  /**
   * What may follow, by the latest earlier place that came after the same tokens as the end of the sequence. A place
   * near the end goes on with what it foretold itself, as a text does that repeats in a circle.
   *
   * @returns `count` tokens, or none
   */
  predict(count: number): number[] {
    const { sequence } = this;
    this.update();
    const place = this.latestPlace();
    if (place === undefined) return [];
    const tokens: number[] = [];
    for (let i = place; tokens.length < count; i++) {
      tokens.push(i < sequence.length ? sequence.tokenAt(i) : tokens[i - sequence.length]);
    }
    return tokens;
  }

  /** The end of the sequence is no place yet: nothing came after it. */
  private update(): void {
    for (; this.indexed < this.sequence.length; this.indexed++) {
      for (const [i, length] of LENGTHS.entries()) {
        if (this.indexed >= length) this.places[i].set(this.hashBefore(this.indexed, length), this.indexed);
      }
    }
  }

  private latestPlace(): number | undefined {
    const { length: end } = this.sequence;
    for (const [i, length] of LENGTHS.entries()) {
      if (end <= length) continue;
      const place = this.places[i].get(this.hashBefore(end, length));
      if (place !== undefined && this.sameBefore(place, end, length)) return place;
    }
    return undefined;
  }

  private hashBefore(place: number, length: number): number {
    let hash = 0;
    for (let i = place - length; i < place; i++) {
      hash = Math.imul(hash ^ this.sequence.tokenAt(i), 0x9e3779b1);
      hash ^= hash >>> 15;
    }
    return hash;
  }

  /** Different tokens can have one hash. */
  private sameBefore(a: number, b: number, length: number): boolean {
    for (let i = 1; i <= length; i++) {
      if (this.sequence.tokenAt(a - i) !== this.sequence.tokenAt(b - i)) return false;
    }
    return true;
  }
}
