import { Inject, Injectable } from '@nestjs/common';
import { DrainingError } from '../../common/refused.error.js';
import { CONFIG } from '../../config/config.module.js';
import { Ledger, type LedgerCounts } from './ledger.js';
import { Line, type LineBounds } from './line.js';
import { type Demand, Ticket } from './ticket.js';

/** Texts are worked on one by one. */
const TEXTS_AT_A_TIME = 1;

/**
 * The door: lets a request in or turns it away, before anything is done about it. Behind it are two lines: for answers,
 * and for what only the thread of text works on, such as the counting of tokens.
 */
@Injectable()
export class Admission {
  private readonly ledger = new Ledger();
  private readonly answers: Line;
  private readonly texts: Line;
  private closed = false;
  private onIdle: (() => void) | undefined;

  constructor(@Inject(CONFIG) bounds: LineBounds) {
    this.answers = new Line(bounds);
    this.texts = new Line(bounds);
  }

  /** Whether the server finishes what it has begun, and begins nothing more. */
  get draining(): boolean {
    return this.closed;
  }

  get counts(): LedgerCounts {
    const { accepted, ended, rejected } = this.ledger;
    return { accepted, ...ended, running: this.running, rejected: { ...rejected } };
  }

  /** Of answers, what is not finished. */
  get load(): Demand {
    return this.answers.load;
  }

  /**
   * @param slots answers that are worked on at the same time: these do not wait
   * @returns to be told how the request goes on and ends
   * @throws {DrainingError}
   * @throws {OverloadedError}
   */
  admit(demand: Demand, slots: number): Ticket {
    return this.enter(this.answers, demand, slots);
  }

  /**
   * Lets in what only the thread of text works on: that waits for it is bounded like what waits for the network, and is
   * waited for at shutdown.
   *
   * @param tokens about how many it has
   * @param read works on it
   * @throws {DrainingError}
   * @throws {OverloadedError}
   * @throws what `read` throws
   */
  async readText<T>(tokens: number, read: () => Promise<T>): Promise<T> {
    const ticket = this.enter(this.texts, { answers: 1, promptTokens: tokens }, TEXTS_AT_A_TIME);
    try {
      const result = await read();
      ticket.read();
      return result;
    } catch (error) {
      ticket.fail(error);
      throw error;
    }
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
    if (this.running > 0) await new Promise<void>((resolve) => (this.onIdle = resolve));
  }

  private get running(): number {
    return this.answers.length + this.texts.length;
  }

  private enter(line: Line, demand: Demand, slots: number): Ticket {
    this.assertOpen();
    const excess = line.excessOf(demand, slots);
    if (excess) {
      this.ledger.rejected[excess.reason]++;
      throw excess.error;
    }
    const ticket = new Ticket(demand, line, (outcome) => {
      if (!line.remove(ticket)) return;
      this.ledger.ended[outcome]++;
      if (this.running === 0) this.onIdle?.();
    });
    line.add(ticket);
    this.ledger.accepted++;
    return ticket;
  }
}
