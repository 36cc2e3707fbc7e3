import { Deferred } from './deferred.js';

/** Hands events from a callback to a reader that awaits them, in order and without losing any. */
export class EventQueue<T> {
  private events: T[] = [];
  private failure: Error | undefined;
  private waiting: Deferred<void> | undefined;

  push(event: T): void {
    this.events.push(event);
    this.wake();
  }

  /** Ends the reading with an error, after the events that came before it. */
  fail(error: Error): void {
    this.failure ??= error;
    this.wake();
  }

  /** All events since the last call, at least one; waits for it. */
  async next(): Promise<T[]> {
    while (this.events.length === 0) {
      if (this.failure) throw this.failure;
      this.waiting = new Deferred();
      await this.waiting.promise;
    }
    const { events } = this;
    this.events = [];
    return events;
  }

  private wake(): void {
    this.waiting?.resolve();
    this.waiting = undefined;
  }
}
