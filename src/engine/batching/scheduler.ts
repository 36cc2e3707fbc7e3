import { Admission } from './admission.js';
import { ClientShares } from './client-shares.js';
import { PrefillPace, type Waiting } from './prefill-pace.js';
import type { Sequence } from './sequence.js';
import { type CacheMove, Slots } from './slots.js';
import { TimeShare } from './time-share.js';

interface StepBase {
  /** Those that have a slot from this step on. */
  readonly admitted: readonly Sequence[];
  /** To be done in the KV cache first, in this order. */
  readonly moves: readonly CacheMove[];
}

/** Reads the next tokens of one prompt into its slot. */
export interface PrefillStep extends StepBase {
  readonly kind: 'prefill';
  readonly sequence: Sequence;
  readonly slot: number;
  /** The tokens to read are those from `sequence.cached` on, this many. */
  readonly count: number;
  /** Whether the prompt is complete afterwards, so that the first token of the answer can be chosen. */
  readonly completes: boolean;
}

/** Takes in the newest token of every sequence that has only that one left, over a range of neighbouring slots. */
export interface DecodeStep extends StepBase {
  readonly kind: 'decode';
  readonly firstSlot: number;
  /** What lies in each slot of the range: an answer, a prompt that is still read, what a sequence left behind, or nothing. */
  readonly rows: readonly (Sequence | undefined)[];
  /** The rows that take in a token, ascending; the others are carried along idle (see GenerationLoop). */
  readonly active: readonly number[];
}

export type Step = PrefillStep | DecodeStep;
type Planned<S extends Step> = Omit<S, keyof StepBase> & Pick<StepBase, 'moves'>;

export interface SchedulerOptions {
  readonly slots: number;
  /** Most tokens of a prompt that are read at once. */
  readonly prefillChunk: number;
  /** Whether sequences share the tokens that their prompts have in common, with those that ended too. */
  readonly prefixCaching: boolean;
}

/**
 * Tokens of a prompt that are read at once when the logits after each are wanted: all these logits are in memory at the
 * same time. As many as a chunk has that is worth the run.
 */
export const PROMPT_LOGITS_ROWS = 32;

/**
 * What a row that is carried along idle through one step costs, in tokens moved from slot to slot. Measured at 135 M
 * parameters in float32: a row takes 1.3 ms, a token 4 to 5 µs. Both grow with the model, the row faster.
 */
const IDLE_ROW_COST = 300;
/** How much of the time prompts have against answers, as a multiple, while those are of other clients only. */
const FIRST_ANSWER_WEIGHT = 3;
/** Milliseconds by which they may be in the lead even so: a short prompt need not wait for what longer ones have taken. */
const FIRST_ANSWER_LEAD = 200;

/**
 * Decides what the network does next. Pure bookkeeping, without tensors and without a clock: iteration-level batching;
 * slots are given in order of arrival; time is shared between prompts and answers, and among prompts between the oldest
 * and the one that is soonest done. Of several clients, each gets its part of slots and time.
 */
export class Scheduler {
  /** Everything that has a slot. */
  private readonly running: Sequence[] = [];
  private readonly slots: Slots;
  private readonly admission: Admission;
  private readonly pace: PrefillPace;
  private readonly shares = new ClientShares();
  /** Prompts first: a tie goes to who waits for a first token. */
  private readonly turns = new TimeShare();
  /** The prompt that is soonest done, then the oldest. */
  private readonly promptTurns = new TimeShare();
  /** What idle rows have cost since the last time that there were none, in tokens copied. */
  private idleDebt = 0;

  constructor({ slots, prefillChunk, prefixCaching }: SchedulerOptions) {
    this.slots = new Slots(slots, prefixCaching);
    this.admission = new Admission(this.slots, this.shares);
    this.pace = new PrefillPace(prefillChunk);
  }

  get idle(): boolean {
    return this.admission.empty && this.running.length === 0;
  }

  add(sequence: Sequence): void {
    this.admission.add(sequence, this.running);
  }

  /** Takes a sequence out in whatever state it is: waiting, prefilling or decoding. Its slot is free at once. */
  remove(sequence: Sequence): void {
    this.admission.remove(sequence);
    const index = this.running.indexOf(sequence);
    if (index < 0) return;
    this.running.splice(index, 1);
    this.slots.release(sequence);
  }

  /** The next step, or undefined when there is nothing to do. It has to be run, and then told to `ran`. */
  next(): Step | undefined {
    const known = this.running.length;
    const moves = this.admission.admit(this.running);
    const admitted = this.running.slice(known);
    const prefilling = this.running.filter((sequence) => sequence.prefilling);
    const decoding = this.running.filter((sequence) => !sequence.prefilling);
    if (this.running.length === 0) return undefined;
    const prompts = prefilling.length > 0 ? this.shares.leastServed(prefilling) : [];
    const answered = decoding.some(({ client }) => client === prompts.at(0)?.client);
    const [weight, ahead] = answered ? [1, 0] : [FIRST_ANSWER_WEIGHT, FIRST_ANSWER_LEAD];
    const step = this.turns.next(prompts.length > 0, decoding.length > 0, weight, ahead)
      ? this.prefillStep(moves, prompts, this.waiting(decoding))
      : this.decodeStep(moves, decoding);
    return { ...step, admitted };
  }

  /** @param elapsed milliseconds that the network needed for the step */
  ran(step: Step, elapsed: number): void {
    this.turns.spent(elapsed);
    this.shares.spent(elapsed, sequencesOf(step));
    switch (step.kind) {
      case 'prefill':
        this.promptTurns.spent(elapsed);
        this.pace.prefilled(step.count, elapsed);
        step.sequence.cached += step.count;
        return;
      case 'decode':
        this.pace.decoded(elapsed);
        for (const row of step.active) (step.rows[row] as Sequence).cached += 1;
    }
  }

  /** Who waits for a chunk of a prompt. */
  private waiting(decoding: readonly Sequence[]): Waiting {
    const crowded = this.running.length > 1 || !this.admission.empty;
    if (this.shares.several && crowded) return 'clients';
    return decoding.length > 0 ? 'answers' : 'nobody';
  }

  private prefillStep(moves: CacheMove[], prefilling: readonly Sequence[], waiting: Waiting): Planned<PrefillStep> {
    const oldest = prefilling.reduce((a, b) => (b.arrival < a.arrival ? b : a));
    const soonest = this.admission.soonest(prefilling);
    const sequence = this.promptTurns.next(soonest !== oldest, true) ? soonest : oldest;
    const left = sequence.prompt.length - sequence.cached;
    const chunk = this.pace.chunk(left, waiting);
    const count = sequence.wantsPromptLogits ? Math.min(chunk, PROMPT_LOGITS_ROWS) : chunk;
    return { kind: 'prefill', moves, sequence, slot: sequence.slot as number, count, completes: count === left };
  }

  private decodeStep(moves: CacheMove[], decoding: readonly Sequence[]): Planned<DecodeStep> {
    const move = this.compact(decoding);
    if (move) moves.push(move);
    const taken = decoding.map((sequence) => sequence.slot as number).sort((a, b) => a - b);
    const [firstSlot] = taken;
    const rows: (Sequence | undefined)[] = [];
    for (let slot = firstSlot; slot <= taken[taken.length - 1]; slot++) rows.push(this.slots.at(slot));
    return { kind: 'decode', moves, firstSlot, rows, active: taken.map((slot) => slot - firstSlot) };
  }

  /**
   * Moves the last answer into the first hole between answers, once the holes have cost as much as the move will: then
   * the two together cost no more than twice the least that they could have.
   */
  private compact(decoding: readonly Sequence[]): CacheMove | undefined {
    let [first, last] = [decoding[0], decoding[0]];
    for (const sequence of decoding) {
      if ((sequence.slot as number) < (first.slot as number)) first = sequence;
      if ((sequence.slot as number) > (last.slot as number)) last = sequence;
    }
    const holes: number[] = [];
    for (let slot = (first.slot as number) + 1; slot < (last.slot as number); slot++) {
      if (this.slots.isFree(slot)) holes.push(slot);
    }
    if (holes.length === 0) {
      this.idleDebt = 0;
      return undefined;
    }
    this.idleDebt += holes.length * IDLE_ROW_COST;
    if (this.idleDebt < this.slots.exchangeOf(last, holes[0]).tokens) return undefined;
    this.idleDebt = 0;
    return this.slots.exchange(last, holes[0]);
  }
}

/** Those that get on by it. */
function sequencesOf(step: Step): readonly Sequence[] {
  return step.kind === 'prefill' ? [step.sequence] : step.active.map((row) => step.rows[row] as Sequence);
}
