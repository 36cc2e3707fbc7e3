import type { StepBatch } from '../runner/decoder-runner.js';
import { EngineError, type SerializedEngineError } from '../errors.js';
import { Answer, type AnswerRequest, type AnswerStep, type ModelVoice, SamplingMemory } from './answer.js';
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

export interface LoopOptions extends SchedulerOptions, ModelVoice {
  /** Milliseconds since some moment. */
  readonly now?: () => number;
}

/** schedule → run → sample → emit. Every call of `step` is one run of the network. */
export class GenerationLoop {
  private readonly scheduler: Scheduler;
  private readonly answers = new Map<number, Answer>();
  private readonly memory = new SamplingMemory();
  private readonly now: () => number;

  constructor(
    private readonly runner: Runner,
    private readonly options: LoopOptions,
  ) {
    this.scheduler = new Scheduler(options);
    this.now = options.now ?? (() => performance.now());
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
    if (!step) return [];
    for (const { kind, from, to, tokens } of step.moves) this.runner[kind](from, to, tokens);
    const started = this.now();
    const logits = this.runner.step(step.kind === 'prefill' ? prefillBatch(step) : decodeBatch(step));
    this.scheduler.ran(step, this.now() - started);
    return this.sample(step, logits);
  }

  private sample(step: Step, logits: Float32Array): LoopEvent[] {
    switch (step.kind) {
      case 'prefill':
        return step.completes ? [this.advance(step.sequence, logits)] : [];
      case 'decode': {
        const { vocabSize } = this.runner;
        return step.active.map((row, i) =>
          this.advance(step.rows[row] as Sequence, logits.subarray(i * vocabSize, (i + 1) * vocabSize)),
        );
      }
    }
  }

  private advance(sequence: Sequence, logits: Float32Array): LoopEvent {
    const { id, reused: cachedTokens } = sequence;
    try {
      const event = { id, cachedTokens, ...(this.answers.get(id) as Answer).advance(logits) };
      if (event.finish) this.cancel(id);
      return event;
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
    logitsRows: completes ? [count - 1] : [],
  };
}

/**
 * An idle row computes the first token of what lies in its slot once more: attention has nothing to look back at, which
 * makes it cheap whatever the length, and what it writes is what is there.
 */
function decodeBatch({ firstSlot, rows, active }: DecodeStep): StepBatch {
  const tokens = rows.map((sequence) => sequence?.tokenAt(0) ?? 0);
  const cached = new Array<number>(rows.length).fill(0);
  for (const row of active) {
    const sequence = rows[row] as Sequence;
    tokens[row] = sequence.tokenAt(sequence.cached);
    cached[row] = sequence.cached;
  }
  return { firstSlot, rows: rows.length, tokensPerRow: 1, tokens, cached, logitsRows: active };
}
