import type { ClientShares } from './client-shares.js';
import type { Sequence } from './sequence.js';
import { type CacheMove, LEAST_SHARED, type Slots } from './slots.js';

/** A sequence lets another compute what both need, and goes on when that has this many tokens. */
interface Deferral {
  readonly to: Sequence;
  readonly until: number;
}

/**
 * Who waits for a slot, and who may have one. Of several clients, the one that has fewest slots is next, and of those
 * that have equally many the one that has had least of the network's time, so that a single slot goes round too. The last
 * one of several that is free is only for a client that has none, so that nobody finds all of them taken for long answers of
 * another. Of a client: first come, first served. A sequence whose prompt begins like another of the client's that is
 * being read right now waits for that beginning, which costs it nothing; the slot that is its due is kept for it.
 */
export class Admission {
  /** In order of arrival. */
  private readonly waiting: Sequence[] = [];
  private readonly deferrals = new Map<Sequence, Deferral>();
  private arrivals = 0;

  constructor(
    private readonly slots: Slots,
    private readonly shares: ClientShares,
  ) {}

  get empty(): boolean {
    return this.waiting.length === 0;
  }

  add(sequence: Sequence, running: readonly Sequence[]): void {
    sequence.arrival = ++this.arrivals;
    this.shares.arrive(sequence, [...this.waiting, ...running]);
    this.waiting.push(sequence);
  }

  remove(sequence: Sequence): void {
    const index = this.waiting.indexOf(sequence);
    if (index >= 0) this.waiting.splice(index, 1);
    this.deferrals.delete(sequence);
  }

  /**
   * Gives slots to those whose turn it is, and adds them to `running`.
   *
   * @returns what is to be done in the KV cache for it, in this order
   */
  admit(running: Sequence[]): CacheMove[] {
    const moves: CacheMove[] = [];
    // Those that wait for another's prefix are passed, with a slot that is kept for them.
    const passed: Sequence[] = [];
    for (let places = this.slots.free; places > 0; places--) {
      const sequence = this.next([...running, ...passed], passed, places);
      if (!sequence) break;
      if (this.defer(sequence, running)) {
        passed.push(sequence);
        continue;
      }
      this.waiting.splice(this.waiting.indexOf(sequence), 1);
      const move = this.slots.place(sequence);
      if (move) moves.push(move);
      running.push(sequence);
    }
    return moves;
  }

  /**
   * Which of the prompts is to be read next so that an answer begins soonest: that with the fewest tokens left, or the
   * one that another waits for which has even fewer.
   */
  soonest(prefilling: readonly Sequence[]): Sequence {
    let [soonest] = prefilling;
    let fewest = Infinity;
    const consider = ({ prompt }: Sequence, reader: Sequence): void => {
      const left = prompt.length - reader.cached;
      if (left >= fewest) return;
      [soonest, fewest] = [reader, left];
    };
    for (const sequence of prefilling) consider(sequence, sequence);
    for (const [sequence, { to }] of this.deferrals) consider(sequence, to);
    return soonest;
  }

  /**
   * @param holders those that have a slot, or for whom one is kept
   * @param passed those that have had their turn
   * @param places slots that are left
   */
  private next(holders: readonly Sequence[], passed: readonly Sequence[], places: number): Sequence | undefined {
    const candidates = this.waiting.filter((sequence) => !passed.includes(sequence));
    if (!this.shares.several || candidates.length === 0) return candidates[0];
    const held = new Map<string, number>();
    for (const { client } of holders) held.set(client, (held.get(client) ?? 0) + 1);
    const slotsOf = ({ client }: Sequence): number => held.get(client) ?? 0;
    const fewest = candidates.reduce((least, sequence) => Math.min(least, slotsOf(sequence)), Infinity);
    if (places === 1 && this.slots.count > 1 && fewest > 0) return undefined;
    return this.shares.leastServed(candidates.filter((sequence) => slotsOf(sequence) === fewest))[0];
  }

  /** Whether the sequence waits for another to read what both prompts begin with. */
  private defer(sequence: Sequence, running: readonly Sequence[]): boolean {
    const known = this.deferrals.get(sequence);
    const deferral = known && isPending(known) ? known : this.findDeferral(sequence, running);
    if (deferral) this.deferrals.set(sequence, deferral);
    else this.deferrals.delete(sequence);
    return deferral !== undefined;
  }

  /**
   * Only those that came before count, so that nobody waits for ever; and only those of the same client: those of
   * another may have their turn much later.
   */
  private findDeferral(sequence: Sequence, running: readonly Sequence[]): Deferral | undefined {
    const { prompt, client, arrival, wantsPromptLogits } = sequence;
    if (!this.slots.retain || wantsPromptLogits) return undefined;
    let found: Deferral | undefined;
    for (const to of running) {
      if (!to.prefilling || to.client !== client || to.arrival > arrival) continue;
      const until = to.sharedWith(prompt, Math.min(to.prompt.length, prompt.length) - 1);
      if (until > (found?.until ?? 0)) found = { to, until };
    }
    return found && found.until - this.slots.longestShared(prompt) >= LEAST_SHARED ? found : undefined;
  }
}

/** What the other has read stays in its slot, even when it is cancelled: then it is decided anew. */
function isPending({ to, until }: Deferral): boolean {
  return to.slot !== undefined && to.cached < until;
}
