import { OverloadedError } from '../../common/refused.error.js';
import type { Rejection } from './ledger.js';
import { Throughput } from './throughput.js';
import type { Demand, Ticket } from './ticket.js';

/** Clients wait no longer than they are told, and give up when it is too long. */
const LONGEST_WAIT = 300;

export interface LineBounds {
  /** Most answers that may wait. */
  readonly maxQueueSize: number;
  /** Most tokens of prompts that may wait. */
  readonly maxQueueTokens: number;
}

/** Why somebody is turned away, and when it may be better. */
export interface Excess {
  readonly reason: Extract<Rejection, 'queue_size' | 'queue_tokens'>;
  readonly error: OverloadedError;
}

/**
 * Those that wait for, or have, the same means: the network, or the thread of text. What waits is bounded twice, by answers
 * and by the tokens of their prompts, so that what is let in is served in a time of sense. A line in which there is nobody
 * takes whatever comes.
 */
export class Line {
  private readonly tickets = new Set<Ticket>();
  private readonly throughput = new Throughput();

  constructor(private readonly bounds: LineBounds) {}

  get length(): number {
    return this.tickets.size;
  }

  /** What is not finished. */
  get load(): Demand {
    let [answers, promptTokens] = [0, 0];
    for (const ticket of this.tickets) {
      answers += ticket.answers;
      promptTokens += ticket.promptTokens;
    }
    return { answers, promptTokens };
  }

  /**
   * @param slots answers that are worked on at the same time: these do not wait
   * @returns undefined when there is room
   */
  excessOf({ answers, promptTokens }: Demand, slots: number): Excess | undefined {
    const { load, bounds, throughput } = this;
    if (this.tickets.size === 0) return undefined;
    const waiting = Math.max(0, load.answers - slots);
    const excess = load.answers + answers - slots - bounds.maxQueueSize;
    if (excess > 0) {
      const message = `${waiting} requests wait, and no more than ${bounds.maxQueueSize} may`;
      return { reason: 'queue_size', error: overloaded(message, throughput.secondsForAnswers(excess)) };
    }
    const excessTokens = load.promptTokens + promptTokens - bounds.maxQueueTokens;
    if (excessTokens > 0 && load.promptTokens > 0) {
      const message = `prompts of ${Math.round(load.promptTokens)} tokens wait, and no more than ${bounds.maxQueueTokens} may`;
      return { reason: 'queue_tokens', error: overloaded(message, throughput.secondsForPrompts(excessTokens)) };
    }
    return undefined;
  }

  add(ticket: Ticket): void {
    if (this.tickets.size === 0) this.throughput.begin(performance.now());
    this.tickets.add(ticket);
  }

  /** @returns whether it was there */
  remove(ticket: Ticket): boolean {
    return this.tickets.delete(ticket);
  }

  /** Tokens were read or generated. */
  did(tokens: number): void {
    this.throughput.did(tokens, performance.now());
  }

  answered(promptTokens: number, newTokens: number): void {
    this.throughput.answered(promptTokens, newTokens);
  }

  /** The error for one that was let in and waited too long for its first token. */
  tooLate(): OverloadedError {
    return overloaded('the answer did not begin in time', this.throughput.secondsForAnswers(this.load.answers));
  }
}

function overloaded(message: string, seconds: number): OverloadedError {
  const wait = Math.min(LONGEST_WAIT, Math.max(1, Math.ceil(seconds)));
  return new OverloadedError(`The server is busy: ${message}. Try again in ${wait} s`, wait);
}
