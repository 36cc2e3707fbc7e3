import type { Sequence } from './sequence.js';
import { Slots } from './slots.js';

/** Reads the next tokens of one prompt into its slot. */
export interface PrefillStep {
  readonly kind: 'prefill';
  readonly sequence: Sequence;
  readonly slot: number;
  /** The tokens to read are those from `sequence.cached` on, this many. */
  readonly count: number;
  /** Whether the prompt is complete afterwards, so that the first token of the answer can be chosen. */
  readonly completes: boolean;
}

/** Adds one token to every answer in a range of neighbouring slots. */
export interface DecodeStep {
  readonly kind: 'decode';
  readonly firstSlot: number;
  /**
   * The occupant of each slot of the range. A slot between two answers may be empty, or its occupant still prefilling:
   * it is carried along idle, with nothing in its cache harmed (see GenerationLoop).
   */
  readonly rows: readonly (Sequence | undefined)[];
}

export type Step = PrefillStep | DecodeStep;

export interface SchedulerOptions {
  readonly slots: number;
  /** Most tokens of a prompt that are read at once, so that running answers are not held up for long. */
  readonly prefillChunk: number;
}

/**
 * Decides what the network does next. Pure bookkeeping: iteration-level batching, first come, first served; while
 * prompts are read and answers run at the same time, the two take turns.
 */
export class Scheduler {
  private readonly waiting: Sequence[] = [];
  /** In order of arrival. */
  private readonly running: Sequence[] = [];
  private readonly slots: Slots<Sequence>;
  private lastKind: Step['kind'] = 'decode';

  constructor(private readonly options: SchedulerOptions) {
    this.slots = new Slots(options.slots);
  }

  get idle(): boolean {
    return this.waiting.length === 0 && this.running.length === 0;
  }

  add(sequence: Sequence): void {
    this.waiting.push(sequence);
  }

  /** Takes a sequence out in whatever state it is: waiting, prefilling or decoding. Its slot is free at once. */
  remove(sequence: Sequence): void {
    take(this.waiting, sequence);
    if (take(this.running, sequence) && sequence.slot !== undefined) {
      this.slots.release(sequence.slot);
      sequence.slot = undefined;
    }
  }

  /** The next step, or undefined when there is nothing to do. */
  next(): Step | undefined {
    this.admit();
    const prefill = this.running.find((sequence) => sequence.prefilling);
    const decoding = this.running.filter((sequence) => !sequence.prefilling);
    if (!prefill && decoding.length === 0) return undefined;
    const step =
      prefill && (decoding.length === 0 || this.lastKind === 'decode')
        ? this.prefillStep(prefill)
        : this.decodeStep(decoding);
    this.lastKind = step.kind;
    return step;
  }

  private admit(): void {
    while (this.waiting.length > 0 && this.slots.hasFree) {
      const sequence = this.waiting.shift() as Sequence;
      sequence.slot = this.slots.acquire(sequence);
      this.running.push(sequence);
    }
  }

  private prefillStep(sequence: Sequence): PrefillStep {
    const left = sequence.prompt.length - sequence.cached;
    const count = Math.min(left, this.options.prefillChunk);
    return { kind: 'prefill', sequence, slot: sequence.slot as number, count, completes: count === left };
  }

  private decodeStep(decoding: readonly Sequence[]): DecodeStep {
    const occupied = decoding.map((sequence) => sequence.slot as number);
    const firstSlot = Math.min(...occupied);
    return { kind: 'decode', firstSlot, rows: this.slots.range(firstSlot, Math.max(...occupied)) };
  }
}

function take<T>(list: T[], item: T): boolean {
  const index = list.indexOf(item);
  if (index >= 0) list.splice(index, 1);
  return index >= 0;
}
