import { Inject, Injectable } from '@nestjs/common';
import { DrainingError, OverloadedError } from '../../common/refused.error.js';
import type { Config } from '../../config/config.js';
import { CONFIG } from '../../config/config.module.js';
import { Ledger, type LedgerCounts, type Outcome, type Rejection } from './ledger.js';
import { Throughput } from './throughput.js';
import { type Account, type Demand, Ticket } from './ticket.js';

/** Clients wait no longer than they are told, and give up when it is too long. */
const LONGEST_WAIT = 300;

/**
 * The door: lets a request in or turns it away, before anything is done about it. What waits is bounded twice, by answers
 * and by the tokens of their prompts, so that what is let in is served in a time of sense. A server with nothing to do
 * takes whatever comes.
 */
@Injectable()
export class Admission implements Account {
  private readonly ledger = new Ledger();
  private readonly tickets = new Set<Ticket>();
  private readonly throughput = new Throughput();
  private closed = false;
  private onIdle: (() => void) | undefined;

  constructor(@Inject(CONFIG) private readonly config: Pick<Config, 'maxQueueSize' | 'maxQueueTokens'>) {}

  /** Whether the server finishes what it has begun, and begins nothing more. */
  get draining(): boolean {
    return this.closed;
  }

  get counts(): LedgerCounts {
    const { accepted, ended, rejected } = this.ledger;
    return { accepted, ...ended, running: this.tickets.size, rejected: { ...rejected } };
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
   * @returns to be told how the request goes on and ends
   * @throws {DrainingError}
   * @throws {OverloadedError}
   */
  admit(demand: Demand, slots: number): Ticket {
    this.assertOpen();
    if (this.tickets.size > 0) this.checkQueue(demand, slots);
    else this.throughput.begin(performance.now());
    const ticket = new Ticket(demand, this);
    this.tickets.add(ticket);
    this.ledger.accepted++;
    return ticket;
  }

  /** @throws {DrainingError} */
  assertOpen(): void {
    if (!this.closed) return;
    this.ledger.rejected.draining++;
    throw new DrainingError();
  }

  /** Lets nobody in any more; resolves when all that are in have ended. */
  async drain(): Promise<void> {
    this.closed = true;
    if (this.tickets.size > 0) await new Promise<void>((resolve) => (this.onIdle = resolve));
  }

  did(tokens: number): void {
    this.throughput.did(tokens, performance.now());
  }

  answered(promptTokens: number, newTokens: number): void {
    this.throughput.answered(promptTokens, newTokens);
  }

  ended(ticket: Ticket, outcome: Outcome): void {
    if (!this.tickets.delete(ticket)) return;
    this.ledger.ended[outcome]++;
    if (this.tickets.size === 0) this.onIdle?.();
  }

  /** One that was let in waited too long. */
  tooLate(): OverloadedError {
    return overloaded('the answer did not begin in time', this.throughput.secondsForAnswers(this.load.answers));
  }

  private checkQueue({ answers, promptTokens }: Demand, slots: number): void {
    const { load, config, throughput } = this;
    const waiting = Math.max(0, load.answers - slots);
    const excess = load.answers + answers - slots - config.maxQueueSize;
    if (excess > 0) {
      const message = `${waiting} requests wait, and no more than ${config.maxQueueSize} may`;
      throw this.refusal('queue_size', message, throughput.secondsForAnswers(excess));
    }
    const excessTokens = load.promptTokens + promptTokens - config.maxQueueTokens;
    if (excessTokens > 0 && load.promptTokens > 0) {
      const message = `prompts of ${Math.round(load.promptTokens)} tokens wait, and no more than ${config.maxQueueTokens} may`;
      throw this.refusal('queue_tokens', message, throughput.secondsForPrompts(excessTokens));
    }
  }

  private refusal(reason: Rejection, message: string, seconds: number): OverloadedError {
    this.ledger.rejected[reason]++;
    return overloaded(message, seconds);
  }
}

function overloaded(message: string, seconds: number): OverloadedError {
  const wait = Math.min(LONGEST_WAIT, Math.max(1, Math.ceil(seconds)));
  return new OverloadedError(`The server is busy: ${message}. Try again in ${wait} s`, wait);
}
