import type { Sequence } from './sequence.js';

/** Something to be done in the KV cache with the first `tokens` positions of two slots. */
export interface CacheMove {
  /** Whether `to` becomes as `from`, or the two change places. */
  readonly kind: 'copy' | 'exchange';
  readonly from: number;
  readonly to: number;
  readonly tokens: number;
}

interface Slot {
  /** The sequence that runs here, or the last that did; what it has cached is in the slot. */
  sequence: Sequence | undefined;
  free: boolean;
  /** When its tokens were last of use; counted, not timed. 0 if it is empty. */
  usedAt: number;
}

/**
 * Fewer tokens in common than this are not worth a copy, or a wait. A copy costs a thousandth of what computing the
 * tokens does; but every chat begins with the same few.
 */
export const LEAST_SHARED = 16;

/**
 * Which sequence lies in which slot of the KV cache. A slot that is free keeps the tokens of the sequence that left it,
 * until another needs the place. Holds no tensors: what is to be done to the cache is told as moves.
 */
export class Slots {
  private readonly slots: readonly Slot[];
  private uses = 0;

  /** @param retain whether free slots keep their tokens, and prompts share what they have in common */
  constructor(
    count: number,
    readonly retain: boolean,
  ) {
    this.slots = Array.from({ length: count }, () => ({ sequence: undefined, free: true, usedAt: 0 }));
  }

  get free(): number {
    return this.slots.reduce((count, { free }) => count + Number(free), 0);
  }

  isFree(slot: number): boolean {
    return this.slots[slot].free;
  }

  /** What lies in a slot, running or left behind. */
  at(slot: number): Sequence | undefined {
    return this.slots[slot].sequence;
  }

  /** The longest beginning of the prompt that lies in a slot, in tokens. The prompt's last token has to be run. */
  longestShared(prompt: ArrayLike<number>): number {
    return Math.max(...this.sharedWith(prompt));
  }

  /**
   * Gives the sequence one of the free slots, of which there must be one, with as much of its prompt as lies in any
   * slot and need not be computed. `slot`, `cached` and `reused` of the sequence are set.
   *
   * @returns the move that has to come before its first step
   */
  place(sequence: Sequence): CacheMove | undefined {
    const shared = sequence.wantsPromptLogits ? this.slots.map(() => 0) : this.sharedWith(sequence.prompt);
    const target = this.choose(shared);
    const source = shared.indexOf(Math.max(...shared));
    const copied = shared[source] - shared[target] >= LEAST_SHARED;
    if (copied && this.slots[source].free) this.slots[source].usedAt = ++this.uses;
    sequence.slot = target;
    sequence.cached = sequence.reused = shared[copied ? source : target];
    this.slots[target].sequence = sequence;
    this.slots[target].free = false;
    return copied ? { kind: 'copy', from: source, to: target, tokens: sequence.cached } : undefined;
  }

  /** The sequence leaves; the next may take its slot, or what it left behind. */
  release(sequence: Sequence): void {
    if (sequence.slot === undefined) return;
    const slot = this.slots[sequence.slot];
    sequence.slot = undefined;
    slot.free = true;
    const left = this.retain && sequence.cached > 0;
    slot.sequence = left ? sequence : undefined;
    slot.usedAt = left ? ++this.uses : 0;
  }

  /** Lets a running sequence and a free slot change places: nothing that was left behind is lost. */
  exchange(sequence: Sequence, free: number): CacheMove {
    const move = this.exchangeOf(sequence, free);
    const [source, target] = [this.slots[move.from], this.slots[free]];
    [source.sequence, target.sequence] = [target.sequence, sequence];
    [source.free, target.free] = [true, false];
    source.usedAt = target.usedAt;
    sequence.slot = free;
    return move;
  }

  /** What `exchange` would return. */
  exchangeOf(sequence: Sequence, free: number): CacheMove {
    const left = this.slots[free].sequence?.cached ?? 0;
    const kind = left > 0 ? 'exchange' : 'copy';
    return { kind, from: sequence.slot as number, to: free, tokens: Math.max(sequence.cached, left) };
  }

  private sharedWith(prompt: ArrayLike<number>): number[] {
    return this.slots.map(({ sequence }) => {
      if (!this.retain || !sequence) return 0;
      return sequence.sharedWith(prompt, Math.min(sequence.cached, prompt.length - 1));
    });
  }

  /**
   * The free slot that a sequence takes: the one that holds most of its prompt; but not if most of what is there would
   * be lost, as when another conversation begins with the same instructions. Then an empty one, or else the one whose
   * tokens were not used for longest. Low ones first: they keep the batch's range short.
   */
  private choose(shared: readonly number[]): number {
    let best: number | undefined;
    let oldest: number | undefined;
    for (const [slot, { sequence, free, usedAt }] of this.slots.entries()) {
      if (!free) continue;
      const continued = shared[slot] > 0 && 2 * shared[slot] >= (sequence?.cached ?? 0);
      if (continued && (best === undefined || shared[slot] > shared[best])) best = slot;
      if (oldest === undefined || usedAt < this.slots[oldest].usedAt) oldest = slot;
    }
    return best ?? (oldest as number);
  }
}
