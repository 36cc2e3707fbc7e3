import type { StepBatch } from '../runner/decoder-runner.js';
import { monotonicNow } from '../clock.js';
import { EngineError, type SerializedEngineError } from '../errors.js';
import type { StepReport } from '../types.js';
import { Answer, type AnswerRequest, type AnswerStep, type ModelVoice, SamplingMemory } from './answer.js';
import { Drafter } from './drafter.js';
import { Scheduler, type DecodeStep, type PrefillStep, type SchedulerOptions, type Step } from './scheduler.js';
import { Sequence } from './sequence.js';

/** The network and its KV cache as the loop needs them. */
export interface Runner {
  readonly vocabSize: number;
  step(batch: StepBatch): Float32Array;
  /** Makes the first `tokens` positions of slot `to` those of slot `from`. */
  copy(from: number, to: number, tokens: number): void;
  /** Lets the first `tokens` positions of two slots change places. */
  exchange(a: number, b: number, tokens: number): void;
}

export interface LoopRequest extends AnswerRequest {
  readonly id: number;
  /** At least one token id, all below the vocabulary size; with `maxNewTokens` they fit into a slot. */
  readonly prompt: ArrayLike<number>;
}

/** What a step did for one request. */
export interface StepEvent extends AnswerStep {
  readonly id: number;
  /** Tokens of the prompt that were in the KV cache already, so that nothing was computed for them. */
  readonly cachedTokens: number;
}

/** A request that cannot go on and is forgotten; the others go on. */
export interface FailureEvent {
  readonly id: number;
  readonly error: SerializedEngineError;
}

export type LoopEvent = StepEvent | FailureEvent;

/** A request that has a slot now. */
export interface StartedRequest extends Pick<StepEvent, 'cachedTokens'> {
  readonly id: number;
}

/** What a call of `step` was. */
export interface LoopReport extends StepReport {
  /** Requests that have a slot since then. */
  readonly started: readonly StartedRequest[];
}

export interface LoopOptions extends SchedulerOptions, ModelVoice {
  /** Most tokens that are drafted for one step; none if left out. */
  readonly speculativeTokens?: number;
  /** Milliseconds since some moment; the machine's monotonic clock if left out. */
  readonly now?: () => number;
}

/** schedule → run → sample → emit. Every call of `step` is one run of the network. */
export class GenerationLoop {
  private readonly scheduler: Scheduler;
  private readonly answers = new Map<number, Answer>();
  private readonly drafters = new WeakMap<Answer, Drafter>();
  private readonly memory = new SamplingMemory();
  private readonly now: () => number;
  private report: LoopReport | undefined;

  constructor(
    private readonly runner: Runner,
    private readonly options: LoopOptions,
  ) {
    this.scheduler = new Scheduler(options);
    this.now = options.now ?? monotonicNow;
  }

  get idle(): boolean {
    return this.scheduler.idle;
  }

  /** What the last call of `step` was; undefined when nothing was to be done. */
  get lastStep(): LoopReport | undefined {
    return this.report;
  }

  submit(request: LoopRequest): void {
    const sequence = new Sequence(request.id, request.prompt, request.promptLogprobs !== undefined);
    this.answers.set(request.id, new Answer(sequence, request, this.options, this.memory));
    this.scheduler.add(sequence);
  }

  /** Forgets a request in whatever state it is; its slot is free for the next step. */
  cancel(id: number): void {
    const answer = this.answers.get(id);
    if (!answer) return;
    this.answers.delete(id);
    this.scheduler.remove(answer.sequence);
  }

  /**
   * @returns an event for each token of an answer, in order, and for each answer that failed; empty when nothing was to
   * be done or a prompt is half read
   */
  step(): LoopEvent[] {
    const step = this.scheduler.next();
    this.report = undefined;
    if (!step) return [];
    const began = this.now();
    for (const { kind, from, to, tokens } of step.moves) this.runner[kind](from, to, tokens);
    const draft = step.kind === 'decode' ? this.draft(step) : [];
    const started = this.now();
    const logits = this.runner.step(step.kind === 'prefill' ? prefillBatch(step) : decodeBatch(step, draft));
    this.scheduler.ran(step, this.now() - started);
    const events = this.sample(step, draft, logits);
    this.report = reportOf(step, began, this.now(), draft.length, events.length);
    return events;
  }

  /** Only of an answer that runs alone: attention takes in several tokens of one sequence, or one of each of several. */
  private draft({ rows, active }: DecodeStep): readonly number[] {
    const { speculativeTokens = 0 } = this.options;
    if (speculativeTokens === 0 || active.length > 1) return [];
    const answer = this.answers.get((rows[active[0]] as Sequence).id) as Answer;
    // What a draft says, the grammar might not allow.
    if (answer.constrained) return [];
    const drafter = this.drafters.get(answer) ?? new Drafter(answer.sequence, speculativeTokens);
    this.drafters.set(answer, drafter);
    // The step chooses one token more than is drafted.
    return drafter.draft(answer.room - 1);
  }

  private sample(step: Step, draft: readonly number[], logits: Float32Array): LoopEvent[] {
    switch (step.kind) {
      case 'prefill':
        return this.read(step, logits);
      case 'decode':
        return draft.length > 0
          ? this.verify(step.rows[step.active[0]] as Sequence, draft, logits)
          : step.active.map((row, i) => this.advance(step.rows[row] as Sequence, this.rowOf(logits, i)));
    }
  }

  private read({ sequence, count, completes }: PrefillStep, logits: Float32Array): LoopEvent[] {
    const rows = logits.length / this.runner.vocabSize;
    if (sequence.wantsPromptLogits) {
      const first = sequence.cached - count + 1;
      const failure = this.attempt(sequence, (answer) => {
        for (let row = 0; row < rows; row++) answer.describePrompt(first + row, this.rowOf(logits, row));
        return undefined;
      });
      if (failure) return [failure];
    }
    return completes ? [this.advance(sequence, this.rowOf(logits, rows - 1))] : [];
  }

  /**
   * Chooses tokens as ever, for as long as the next one drafted is what was chosen: the network has then read what the
   * answer says. What it has read beyond that does not count as cached.
   */
  private verify(sequence: Sequence, draft: readonly number[], logits: Float32Array): LoopEvent[] {
    const events: LoopEvent[] = [];
    for (let row = 0; ; row++) {
      const event = this.advance(sequence, this.rowOf(logits, row));
      events.push(event);
      if ('error' in event || event.finish || event.token !== draft[row]) return events;
      sequence.cached += 1;
    }
  }

  private rowOf(logits: Float32Array, row: number): Float32Array {
    const { vocabSize } = this.runner;
    return logits.subarray(row * vocabSize, (row + 1) * vocabSize);
  }

  private advance(sequence: Sequence, logits: Float32Array): LoopEvent {
    const { id, reused: cachedTokens } = sequence;
    return this.attempt(sequence, (answer) => {
      const event = { id, cachedTokens, ...answer.advance(logits) };
      if (event.finish) this.cancel(id);
      return event;
    });
  }

  private attempt<T>(sequence: Sequence, act: (answer: Answer) => T): T | FailureEvent {
    const { id } = sequence;
    try {
      return act(this.answers.get(id) as Answer);
    } catch (error) {
      // Whatever it has in the cache is not to be trusted, and nobody takes it over.
      sequence.cached = 0;
      this.cancel(id);
      return { id, error: EngineError.from(error).serialize() };
    }
  }
}

function prefillBatch({ sequence, slot, count, completes }: PrefillStep): StepBatch {
  return {
    firstSlot: slot,
    rows: 1,
    tokensPerRow: count,
    tokens: sequence.tokens(sequence.cached, sequence.cached + count),
    cached: [sequence.cached],
    logitsRows: sequence.wantsPromptLogits ? firstRows(count) : completes ? [count - 1] : [],
  };
}

/**
 * An idle row computes the first token of what lies in its slot once more: attention has nothing to look back at, which
 * makes it cheap whatever the length, and what it writes is what is there. A draft belongs to a row that is alone.
 */
function decodeBatch({ firstSlot, rows, active }: DecodeStep, draft: readonly number[]): StepBatch {
  const tokensPerRow = 1 + draft.length;
  const tokens = rows.map((sequence) => sequence?.tokenAt(0) ?? 0);
  const cached = new Array<number>(rows.length).fill(0);
  for (const row of active) {
    const sequence = rows[row] as Sequence;
    tokens[row] = sequence.tokenAt(sequence.cached);
    cached[row] = sequence.cached;
  }
  tokens.push(...draft);
  const logitsRows = draft.length > 0 ? firstRows(tokensPerRow) : active;
  return { firstSlot, rows: rows.length, tokensPerRow, tokens, cached, logitsRows };
}

function reportOf(step: Step, began: number, ended: number, drafted: number, events: number): LoopReport {
  const sequences = step.kind === 'prefill' ? 1 : step.active.length;
  return {
    kind: step.kind,
    began,
    ended,
    sequences,
    tokens: step.kind === 'prefill' ? step.count : sequences + drafted,
    drafted,
    // The step chooses one token more than is right of the draft.
    accepted: drafted > 0 ? events - 1 : 0,
    started: step.admitted.map(({ id, reused: cachedTokens }) => ({ id, cachedTokens })),
  };
}

function firstRows(count: number): number[] {
  return Array.from({ length: count }, (_, row) => row);
}
