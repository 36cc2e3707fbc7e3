import { Scheduler, type Step } from '../../../../src/engine/batching/scheduler.js';
import { Sequence } from '../../../../src/engine/batching/sequence.js';

/** What a step costs in milliseconds; about that of 135 M parameters in float32 on two cores. */
const COST = { prefill: 20, prefillToken: 1.5, decode: 20, decodeRow: 1.3, movedToken: 0.005 };

export interface SimulatedOptions {
  readonly slots: number;
  readonly prefillChunk?: number;
  readonly prefixCaching?: boolean;
}

/** A request to the simulated server, with the moments at which things happened to it, in milliseconds. */
export class SimulatedRequest {
  admitted = false;
  readonly tokenTimes: number[] = [];
  ended = false;

  constructor(
    readonly sequence: Sequence,
    readonly wanted: number,
    readonly arrived: number,
  ) {}

  get firstTokenAfter(): number {
    return this.tokenTimes[0] - this.arrived;
  }
}

/**
 * The scheduler with a clock and a KV cache that are only simulated. The cache holds the ids of the tokens, and each
 * step checks that the slot holds all that the sequence says it does: so nothing is reused that is not there.
 */
export class SimulatedServer {
  time = 0;
  readonly open = new Set<SimulatedRequest>();
  /** Every step that was run, and how long it took. */
  readonly steps: { readonly step: Step; readonly elapsed: number; readonly contended: boolean }[] = [];
  readonly slots: number;
  private readonly scheduler: Scheduler;
  private readonly cache: number[][];
  private ids = 0;

  constructor({ slots, prefillChunk = 256, prefixCaching = true }: SimulatedOptions) {
    this.slots = slots;
    this.scheduler = new Scheduler({ slots, prefillChunk, prefixCaching });
    this.cache = Array.from({ length: slots }, () => []);
  }

  get idle(): boolean {
    return this.scheduler.idle;
  }

  /** Those that have a slot. */
  get running(): SimulatedRequest[] {
    return [...this.open].filter(({ sequence }) => sequence.slot !== undefined);
  }

  /** @param wanted tokens of the answer */
  submit(prompt: readonly number[], wanted: number, client?: string): SimulatedRequest {
    const request = new SimulatedRequest(new Sequence(++this.ids, prompt, client), wanted, this.time);
    this.open.add(request);
    this.scheduler.add(request.sequence);
    return request;
  }

  end(request: SimulatedRequest): void {
    request.ended = true;
    this.open.delete(request);
    this.scheduler.remove(request.sequence);
  }

  /**
   * @param onScheduled is called when it is decided what to do, before it is done
   * @returns false when there was nothing to do
   */
  step(onScheduled?: (admitted: readonly SimulatedRequest[]) => void): boolean {
    const step = this.scheduler.next();
    if (!step) return false;
    const { running } = this;
    const admitted = running.filter((request) => !request.admitted);
    for (const request of admitted) request.admitted = true;
    onScheduled?.(admitted);
    for (const { kind, from, to, tokens } of step.moves) {
      const [source, target] = [this.cache[from], this.cache[to]];
      this.cache[to] = [...source.slice(0, tokens), ...target.slice(tokens)];
      if (kind === 'exchange') this.cache[from] = [...target.slice(0, tokens), ...source.slice(tokens)];
      this.time += tokens * COST.movedToken;
    }
    const grown = this.write(step);
    const elapsed =
      step.kind === 'prefill'
        ? COST.prefill + step.count * COST.prefillToken
        : COST.decode + step.rows.length * COST.decodeRow;
    this.time += elapsed;
    const kinds = new Set(running.map(({ sequence }) => sequence.prefilling));
    this.steps.push({ step, elapsed, contended: kinds.size === 2 });
    this.scheduler.ran(step, elapsed);
    for (const request of running.filter(({ sequence }) => grown.has(sequence))) {
      request.sequence.generated.push(-request.sequence.id * 10_000 - request.tokenTimes.length);
      request.tokenTimes.push(this.time);
      if (request.tokenTimes.length === request.wanted) this.end(request);
    }
    return true;
  }

  runToEnd(): void {
    while (this.step());
  }

  /** @returns the sequences that get a token */
  private write(step: Step): Set<Sequence> {
    if (step.kind === 'prefill') {
      const { sequence, slot, count } = step;
      this.compute(sequence, slot, count);
      return new Set(step.completes ? [sequence] : []);
    }
    const active = step.active.map((row) => {
      const sequence = step.rows[row] as Sequence;
      this.compute(sequence, step.firstSlot + row, 1);
      return sequence;
    });
    return new Set(active);
  }

  private compute(sequence: Sequence, slot: number, count: number): void {
    if (sequence.slot !== slot) throw new Error(`sequence ${sequence.id} runs in slot ${slot}, which is not its own`);
    const { cached } = sequence;
    const cache = this.cache[slot];
    // What was checked at the step before does not change unless the sequence moves.
    const from = sequence.generated.length > 0 ? Math.max(0, cached - 3) : 0;
    for (let i = from; i < cached; i++) {
      if (cache[i] !== sequence.tokenAt(i)) throw new Error(`slot ${slot} lacks token ${i} of sequence ${sequence.id}`);
    }
    for (let i = cached; i < cached + count; i++) cache[i] = sequence.tokenAt(i);
  }
}
