/** Half of what is known of the pace is from the last so many milliseconds of work. */
const HALF_LIFE_MS = 30_000;
/** Weight of the newest answer in the averages. */
const SMOOTHING = 0.1;
/** Before anything was measured: a slow machine, and answers of moderate length, as if they had been seen for a second. */
const BEFORE = { tokens: 100, ms: 1_000, promptTokens: 256, newTokens: 128 } as const;

/** Measures how fast work gets done: tokens of prompts and of answers, while there are any to be worked on. */
export class Throughput {
  private tokens: number = BEFORE.tokens;
  private ms: number = BEFORE.ms;
  private promptTokens: number = BEFORE.promptTokens;
  private newTokens: number = BEFORE.newTokens;
  private last = 0;

  /** Work begins after there was none: what lies before does not count. */
  begin(now: number): void {
    this.last = now;
  }

  /** @param tokens that were read or generated since the last call */
  did(tokens: number, now: number): void {
    const elapsed = Math.max(0, now - this.last);
    const remembered = 0.5 ** (elapsed / HALF_LIFE_MS);
    this.tokens = this.tokens * remembered + tokens;
    this.ms = this.ms * remembered + elapsed;
    this.last = now;
  }

  /** An answer is complete. */
  answered(promptTokens: number, newTokens: number): void {
    this.promptTokens += SMOOTHING * (promptTokens - this.promptTokens);
    this.newTokens += SMOOTHING * (newTokens - this.newTokens);
  }

  /** @returns seconds in which so many answers get done */
  secondsForAnswers(count: number): number {
    return this.secondsFor(count * (this.promptTokens + this.newTokens));
  }

  /** @returns seconds in which so many tokens of prompts get read, and the answers to them made */
  secondsForPrompts(tokens: number): number {
    return this.secondsFor(tokens * (1 + this.newTokens / Math.max(1, this.promptTokens)));
  }

  private secondsFor(tokens: number): number {
    return (tokens * this.ms) / this.tokens / 1000;
  }
}
