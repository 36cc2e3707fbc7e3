import type { StepBatch } from '../runner/decoder-runner.js';
import { EngineError, type SerializedEngineError } from '../errors.js';
import { Answer, type AnswerRequest, type AnswerStep, type ModelVoice, SamplingMemory } from './answer.js';
import { Scheduler, type DecodeStep, type PrefillStep, type SchedulerOptions, type Step } from './scheduler.js';
import { Sequence } from './sequence.js';

/** The network as the loop needs it. */
export interface Runner {
  readonly vocabSize: number;
  step(batch: StepBatch): Float32Array;
}

export interface LoopRequest extends AnswerRequest {
  readonly id: number;
  /** At least one token id, all below the vocabulary size; with `maxNewTokens` they fit into a slot. */
  readonly prompt: ArrayLike<number>;
}

/** What a step did for one request. */
export interface StepEvent extends AnswerStep {
  readonly id: number;
}

/** A request that cannot go on and is forgotten; the others go on. */
export interface FailureEvent {
  readonly id: number;
  readonly error: SerializedEngineError;
}

export type LoopEvent = StepEvent | FailureEvent;

export interface LoopOptions extends SchedulerOptions, ModelVoice {}

/** schedule → run → sample → emit. Every call of `step` is one run of the network. */
export class GenerationLoop {
  private readonly scheduler: Scheduler;
  private readonly answers = new Map<number, Answer>();
  private readonly memory = new SamplingMemory();

  constructor(
    private readonly runner: Runner,
    private readonly options: LoopOptions,
  ) {
    this.scheduler = new Scheduler(options);
  }

  get idle(): boolean {
    return this.scheduler.idle;
  }

  submit(request: LoopRequest): void {
    const sequence = new Sequence(request.id, request.prompt);
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

  /** @returns one event for each answer that grew or failed; empty when nothing was to be done or a prompt is half read */
  step(): LoopEvent[] {
    const step = this.scheduler.next();
    return step ? this.sample(step, this.run(step)) : [];
  }

  private run(step: Step): Float32Array {
    switch (step.kind) {
      case 'prefill':
        return this.runner.step(prefillBatch(step));
      case 'decode':
        return this.runner.step(decodeBatch(step));
    }
  }

  private sample(step: Step, logits: Float32Array): LoopEvent[] {
    switch (step.kind) {
      case 'prefill':
        step.sequence.cached += step.count;
        return step.completes ? [this.advance(step.sequence, logits)] : [];
      case 'decode': {
        const { vocabSize } = this.runner;
        return activeRows(step).map(({ sequence }, i) => {
          sequence.cached += 1;
          return this.advance(sequence, logits.subarray(i * vocabSize, (i + 1) * vocabSize));
        });
      }
    }
  }

  private advance({ id }: Sequence, logits: Float32Array): LoopEvent {
    try {
      const event = { id, ...(this.answers.get(id) as Answer).advance(logits) };
      if (event.finish) this.cancel(id);
      return event;
    } catch (error) {
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
    logitsRows: completes ? [count - 1] : [],
  };
}

function decodeBatch(step: DecodeStep): StepBatch {
  const active = activeRows(step);
  const tokens = new Array<number>(step.rows.length).fill(0);
  for (const { row, sequence } of active) [tokens[row]] = sequence.tokens(sequence.cached, sequence.cached + 1);
  return {
    firstSlot: step.firstSlot,
    rows: step.rows.length,
    tokensPerRow: 1,
    tokens,
    // An idle row computes on token 0 and writes behind its occupant's cached tokens, where the next real token goes.
    cached: step.rows.map((sequence) => sequence?.cached ?? 0),
    logitsRows: active.map(({ row }) => row),
  };
}

function activeRows({ rows }: DecodeStep): { row: number; sequence: Sequence }[] {
  return rows.flatMap((sequence, row) => (sequence && !sequence.prefilling ? [{ row, sequence }] : []));
}
