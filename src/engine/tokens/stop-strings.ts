/**
 * Watches a growing text for stop strings. Text that may be the beginning of one is held back, so nothing is emitted
 * that a later character would have to take away.
 */
export class StopStrings {
  private held = '';
  private readonly stops: readonly string[];

  constructor(stops: readonly string[]) {
    this.stops = stops.filter((stop) => stop.length > 0);
  }

  /**
   * @returns the text that can be emitted, and the stop string that was found; after one, the text ends before it and
   * no more may be pushed
   */
  push(text: string): { text: string; stop?: string } {
    if (this.stops.length === 0) return { text };
    const all = this.held + text;
    const found = this.findFirst(all);
    if (found) {
      this.held = '';
      return { text: all.slice(0, found.index), stop: found.stop };
    }
    const safe = all.length - this.heldLength(all);
    this.held = all.slice(safe);
    return { text: all.slice(0, safe) };
  }

  /** What was held back, at the end of the text. */
  flush(): string {
    const { held } = this;
    this.held = '';
    return held;
  }

  /**
   * The stop string that is complete first; of two that end together, the longer. It is the same one however the text
   * is cut into pieces.
   */
  private findFirst(text: string): { index: number; stop: string } | undefined {
    let first: { index: number; stop: string } | undefined;
    for (const stop of this.stops) {
      const index = text.indexOf(stop);
      if (index < 0) continue;
      const earlier = first ? index + stop.length - (first.index + first.stop.length) : -1;
      if (earlier < 0 || (earlier === 0 && index < (first?.index ?? 0))) first = { index, stop };
    }
    return first;
  }

  /** Length of the longest end of the text that a stop string begins with. */
  private heldLength(text: string): number {
    const longest = Math.min(text.length, Math.max(...this.stops.map((stop) => stop.length)) - 1);
    for (let length = longest; length > 0; length--) {
      const end = text.slice(-length);
      if (this.stops.some((stop) => stop.startsWith(end))) return length;
    }
    return 0;
  }
}
