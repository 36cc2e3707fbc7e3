import { type GenerationEvent, InferenceError } from '../../inference/inference-provider.js';
import type { OverloadedError } from '../../common/refused.error.js';
import type { Outcome } from './ledger.js';

/** What a request asks for. */
export interface Demand {
  /** To all of its prompts together. */
  readonly answers: number;
  /** Each prompt counts once, however many answers it is to have. */
  readonly promptTokens: number;
}

/** Who keeps account of what gets done. */
export interface Account {
  /** Tokens were read or generated. */
  did(tokens: number): void;
  answered(promptTokens: number, newTokens: number): void;
  /** The error for a request that waited too long for its first token. */
  tooLate(): OverloadedError;
}

/** A request that was let in. It holds its place until it is told how the request ended, which counts once. */
export class Ticket {
  /** Answers whose prompt is read. */
  private readonly begun = new Set<number>();
  private finished = 0;

  constructor(
    private demand: Demand,
    private readonly account: Account,
    /** How it ended; only the first time counts. */
    private readonly end: (outcome: Outcome) => void,
  ) {}

  /** Answers that are not finished. */
  get answers(): number {
    return this.demand.answers - this.finished;
  }

  /** Tokens of prompts that are not read. */
  get promptTokens(): number {
    return this.promptShare * (this.demand.answers - this.begun.size);
  }

  /** What was estimated is known now. */
  correct(demand: Demand): void {
    this.demand = demand;
  }

  /**
   * @param answer which of them, from 0
   * @throws {OverloadedError} when it did not begin in time
   */
  note(answer: number, event: GenerationEvent): void {
    if (event.type === 'start') return;
    if (event.type === 'finish') {
      this.finished++;
      if (event.timeLimit !== undefined && event.timeLimit !== 'whole') throw this.account.tooLate();
      return this.account.answered(event.promptTokens, event.newTokens);
    }
    const first = !this.begun.has(answer);
    this.begun.add(answer);
    this.account.did(event.ids.length + (first ? this.promptShare : 0));
  }

  /** A text that nobody answers is read. */
  read(): void {
    const { promptTokens } = this.demand;
    this.account.did(promptTokens);
    this.account.answered(promptTokens, 0);
    this.complete();
  }

  complete(): void {
    this.end('completed');
  }

  cancel(): void {
    this.end('cancelled');
  }

  fail(error: unknown): void {
    const cancelled = error instanceof InferenceError && error.code === 'cancelled';
    this.end(cancelled ? 'cancelled' : 'failed');
  }

  private get promptShare(): number {
    return this.demand.promptTokens / this.demand.answers;
  }
}
