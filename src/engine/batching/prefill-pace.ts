/** Who waits while a chunk of a prompt is read. */
export type Waiting = 'clients' | 'answers' | 'nobody';

/** Longest that a chunk should take, in milliseconds, by who waits for it. */
const PAUSES: Readonly<Record<Waiting, number>> = {
  // Other clients, who may come at any time: about what a short prompt takes.
  clients: 40,
  // Answers that run: a pause that a reader hardly notices.
  answers: 80,
  // Even then somebody may come, or the process be told to end: nothing interrupts a step.
  nobody: 1_000,
};
/**
 * Below so many tokens a chunk costs about as much as the weights that it makes the processor read, however few they are.
 * When nobody waits, more are worth it: with 32, a prompt takes up to a quarter longer than with 64, as with any more.
 */
const LEAST_CHUNKS: Readonly<Record<Waiting, number>> = { clients: 32, answers: 32, nobody: 64 };
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
    if (tokens < Math.min(LEAST_CHUNKS.clients, this.most)) return;
    const measured = elapsed / tokens;
    this.msPerToken = this.msPerToken === undefined ? measured : average(this.msPerToken, measured);
  }

  decoded(elapsed: number): void {
    this.decodeMs = average(this.decodeMs, elapsed);
  }

  /** @returns tokens to read of the `left` of a prompt */
  chunk(left: number, waiting: Waiting): number {
    const chunk = Math.min(this.most, this.tokensFor(waiting));
    return left <= Math.min(this.most, chunk * LONGEST_STRETCH) ? left : chunk;
  }

  private tokensFor(waiting: Waiting): number {
    const least = LEAST_CHUNKS[waiting];
    if (!this.msPerToken) return least;
    // A model that takes longer than the pause for every token is slow anyway: one step more does not make it another.
    const pause = waiting === 'answers' ? Math.max(PAUSES.answers, this.decodeMs) : PAUSES[waiting];
    return Math.max(least, Math.floor(pause / this.msPerToken / GRAIN) * GRAIN);
  }
}

function average(before: number, measured: number): number {
  return before + SMOOTHING * (measured - before);
}
