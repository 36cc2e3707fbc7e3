/** The client of all that do not say whose they are. */
export const NOBODY = '';

/**
 * One answer in the making, as the scheduler sees it: token ids, and how many of them the KV cache already holds. The
 * ids are those of the prompt, then those of the answer.
 */
export class Sequence {
  readonly generated: number[] = [];
  /** The slot that it runs in; none before and after. */
  slot: number | undefined;
  /** Leading tokens whose keys and values are in the slot. */
  cached = 0;
  /** Leading tokens of the prompt that were in the KV cache when it came, so that nothing was computed for them. */
  reused = 0;
  /** Its place among all that came, the first being the lowest. */
  arrival = 0;

  /**
   * @param prompt token ids, at least one
   * @param wantsPromptLogits whether each token of the prompt has to be computed, since the logits after it are wanted
   */
  constructor(
    readonly id: number,
    readonly prompt: ArrayLike<number>,
    /** Whose it is. */
    readonly client = NOBODY,
    /** Whether the logits at every place of the prompt are wanted. */
    readonly wantsPromptLogits = false,
  ) {}

  get length(): number {
    return this.prompt.length + this.generated.length;
  }

  /**
   * Whether tokens of the prompt are still to be read, apart from the last: the last one of a prompt, like the last one
   * of an answer, is the single token that a row of a decode step takes in.
   */
  get prefilling(): boolean {
    return this.cached < this.prompt.length - 1;
  }

  tokenAt(index: number): number {
    const { prompt, generated } = this;
    return index < prompt.length ? prompt[index] : generated[index - prompt.length];
  }

  /** The token ids from `start` up to, not including, `end`. */
  tokens(start: number, end: number): number[] {
    return Array.from({ length: end - start }, (_, i) => this.tokenAt(start + i));
  }

  /** How many leading tokens of a prompt are the same as the first ones here, of which `most` count. */
  sharedWith(prompt: ArrayLike<number>, most: number): number {
    const end = Math.min(prompt.length, most);
    let shared = 0;
    while (shared < end && prompt[shared] === this.tokenAt(shared)) shared++;
    return shared;
  }
}
