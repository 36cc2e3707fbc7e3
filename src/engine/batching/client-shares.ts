import { NOBODY, type Sequence } from './sequence.js';

/** Who has not come for so many arrivals is forgotten. */
const REMEMBERED = 1000;
/** Milliseconds that one who comes may have before the others: enough to read a prompt of some length. */
const HEAD_START = 2_000;

interface Share {
  /** Milliseconds that the network worked for the client. */
  readonly time: number;
  readonly arrival: number;
}

/**
 * How much of the network's time each client has had, so that those who want it get equal parts. A client that comes back
 * counts as if it had been there, but for a head start: it is not owed all that it did not want. Has no clock: it is told how long things took.
 */
export class ClientShares {
  /** In the order in which clients last came. */
  private readonly shares = new Map<string, Share>();
  /** What one who comes is measured by. Never goes back: else each newcomer had a head start over the one before. */
  private least = 0;

  /**
   * Whether there is anybody to share with, now or lately. Who has no name is nobody's rival: nothing is kept from the
   * others for it, such as for the server's own first token.
   */
  get several(): boolean {
    return this.shares.size - Number(this.shares.has(NOBODY)) > 1;
  }

  /** @param present the other sequences that wait or run */
  arrive({ client, arrival }: Sequence, present: readonly Sequence[]): void {
    const had = this.shares.get(client)?.time ?? 0;
    const here = present.some((sequence) => sequence.client === client);
    if (present.length > 0) {
      const least = present.reduce((time, sequence) => Math.min(time, this.timeOf(sequence)), Infinity);
      this.least = Math.max(this.least, least);
    }
    this.shares.delete(client);
    this.shares.set(client, { time: here ? had : Math.max(had, this.least - HEAD_START), arrival });
    const needed = new Set(present.map((sequence) => sequence.client));
    for (const [name, share] of this.shares) {
      if (arrival - share.arrival <= REMEMBERED) return;
      if (!needed.has(name)) this.shares.delete(name);
    }
  }

  /** @param elapsed milliseconds that the network worked for these together */
  spent(elapsed: number, sequences: readonly Sequence[]): void {
    for (const { client } of sequences) {
      const share = this.shares.get(client);
      if (share) this.shares.set(client, { ...share, time: share.time + elapsed / sequences.length });
    }
  }

  /** Of these, at least one, those of the client that has had least. */
  leastServed(sequences: readonly Sequence[]): readonly Sequence[] {
    const { client } = sequences.reduce((a, b) => (this.timeOf(b) < this.timeOf(a) ? b : a));
    return sequences.filter((sequence) => sequence.client === client);
  }

  private timeOf({ client }: Sequence): number {
    return this.shares.get(client)?.time ?? 0;
  }
}
