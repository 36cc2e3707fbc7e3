/** Which sequence occupies which slot of the KV cache. Holds no tensors. */
export class Slots<T> {
  private readonly occupants: (T | undefined)[];

  constructor(count: number) {
    this.occupants = new Array<T | undefined>(count).fill(undefined);
  }

  /**
   * Places an occupant in the lowest free slot, which keeps the occupied range, and with it the batch, short.
   *
   * @returns the slot, or undefined when all are taken
   */
  acquire(occupant: T): number | undefined {
    const slot = this.occupants.indexOf(undefined);
    if (slot < 0) return undefined;
    this.occupants[slot] = occupant;
    return slot;
  }

  release(slot: number): void {
    this.occupants[slot] = undefined;
  }

  get hasFree(): boolean {
    return this.occupants.includes(undefined);
  }

  /** The occupants of slots `first` to `last`, with holes. */
  range(first: number, last: number): readonly (T | undefined)[] {
    return this.occupants.slice(first, last + 1);
  }
}
