/**
 * One answer in the making, as the scheduler sees it: token ids, and how many of them the KV cache already holds. The
 * ids are those of the prompt, then those of the answer.
 */
export class Sequence {
  readonly generated: number[] = [];
  /** The slot that holds its keys and values; none while it waits. */
  slot: number | undefined;
  /** Leading tokens whose keys and values are in the slot. */
  cached = 0;

  /** @param prompt token ids, at least one */
  constructor(
    readonly id: number,
    readonly prompt: ArrayLike<number>,
  ) {}

  get length(): number {
    return this.prompt.length + this.generated.length;
  }

  /** Whether tokens of the prompt are still to be read. */
  get prefilling(): boolean {
    return this.cached < this.prompt.length;
  }

  /** The token ids from `start` up to, not including, `end`. */
  tokens(start: number, end: number): number[] {
    const ids: number[] = [];
    for (let i = start; i < end; i++)
      ids.push(i < this.prompt.length ? this.prompt[i] : this.generated[i - this.prompt.length]);
    return ids;
  }
}
