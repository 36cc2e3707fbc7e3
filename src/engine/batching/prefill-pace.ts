/** Longest that one chunk should keep running answers waiting, in milliseconds; a pause that a reader hardly notices. */
const PAUSE = 80;
/** Below this many tokens a chunk costs as much as the weights that it makes the processor read, however few they are. */
const LEAST_CHUNK = 32;
/** Chunks are multiples of this, so that the runtime meets few shapes. */
const GRAIN = 16;
/** A prompt's end is read along with the chunk before it, if the chunk grows by no more than this factor. */
const LONGEST_STRETCH = 1.5;
/** Weight of the newest measurement in the running average. */
const SMOOTHING = 0.5;

/** How many tokens of a prompt to read at once so that others wait only briefly: answers that run, and who may come. */
export class PrefillPace {
  private msPerToken: number | undefined;
  private decodeMs = 0;

  /** @param most tokens that one chunk may have in any case */
  constructor(private readonly most: number) {}

  prefilled(tokens: number, elapsed: number): void {
    // A short one says more about the weights than about its tokens.
    if (tokens < Math.min(LEAST_CHUNK, this.most)) return;
    const measured = elapsed / tokens;
    this.msPerToken = this.msPerToken === undefined ? measured : average(this.msPerToken, measured);
  }

  decoded(elapsed: number): void {
    this.decodeMs = average(this.decodeMs, elapsed);
  }

  /** Milliseconds that a chunk should keep running answers waiting at most. */
  get pauseOfAnswers(): number {
    // A model that takes longer than this for every token is slow anyway: then one step more does not make it another.
    return Math.max(PAUSE, this.decodeMs);
  }

  /**
   * @param pause milliseconds that others should wait for it at most; Infinity if there are none
   * @returns tokens to read of the `left` of a prompt
   */
  chunk(left: number, pause: number): number {
    const chunk = Math.min(this.most, this.tokensIn(pause));
    return left <= Math.min(this.most, chunk * LONGEST_STRETCH) ? left : chunk;
  }

  private tokensIn(pause: number): number {
    if (pause === Infinity) return Infinity;
    if (!this.msPerToken) return LEAST_CHUNK;
    return Math.max(LEAST_CHUNK, Math.floor(pause / this.msPerToken / GRAIN) * GRAIN);
  }
}

function average(before: number, measured: number): number {
  return before + SMOOTHING * (measured - before);
}
