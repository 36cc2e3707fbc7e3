import { GRAPH_IO } from '../graph/decoder-graph.js';
import type { DecoderSpec } from '../graph/decoder-spec.js';
import type { OrtRuntime } from '../ort/runtime.js';
import { OrtSession, type IoBinding, type SessionOptions } from '../ort/session.js';
import { OrtTensor, type NativeMemory } from '../ort/tensor.js';
import { KvCache, type KvCacheSize } from './kv-cache.js';

/** One run of the network over neighbouring slots. */
export interface StepBatch {
  readonly firstSlot: number;
  /** Slots in the batch. */
  readonly rows: number;
  /** New tokens of each row: 1 to decode, more to prefill or to check a draft; of several rows, 1. */
  readonly tokensPerRow: number;
  /** The new tokens, row by row; length rows × tokensPerRow. */
  readonly tokens: ArrayLike<number>;
  /** Tokens that each row already has in the cache; length rows. */
  readonly cached: ArrayLike<number>;
  /** Rows of the flattened [rows × tokensPerRow] whose logits are wanted; may be empty. */
  readonly logitsRows: readonly number[];
}

export interface RunnerOptions extends SessionOptions, KvCacheSize {
  /** Most tokens of a prompt that are read in one step. */
  readonly prefillChunk: number;
  /** Most tokens that one row can be given beyond its newest, all of whose logits are wanted; none if left out. */
  readonly speculativeTokens?: number;
  /** Most rows whose logits can be wanted in any case; a step of one token for each slot always can have all of them. */
  readonly logitsRows?: number;
}

/** A binding for one range of slots. What changes from step to step is bound again only when its shape does. */
interface RangeBinding {
  readonly binding: IoBinding;
  readonly cacheTensors: readonly OrtTensor[];
  stepTensors: readonly OrtTensor[];
  tokensPerRow: number;
  logitsRows: number;
}

/** Ranges whose bindings are kept: a binding costs some hundred calls, and a steady batch uses one. */
const MAX_BINDINGS = 64;

/**
 * The network and its KV cache: takes token ids, leaves keys and values in the slots, gives back logits. It knows
 * nothing of requests. Runs block the calling thread.
 */
export class DecoderRunner {
  readonly capacity: number;
  readonly slots: number;
  private readonly session: OrtSession;
  private readonly cache: KvCache;
  private readonly memory: readonly NativeMemory[];
  private readonly inputIds: BigInt64Array;
  private readonly sequenceLengths: Int32Array;
  private readonly totalLength: Int32Array;
  private readonly logitsRows: BigInt64Array;
  private readonly logits: Float32Array;
  private readonly bindings = new Map<string, RangeBinding>();

  constructor(
    private readonly runtime: OrtRuntime,
    private readonly spec: DecoderSpec,
    model: Uint8Array,
    weights: ReadonlyMap<string, OrtTensor>,
    options: RunnerOptions,
  ) {
    this.capacity = options.capacity;
    this.slots = options.slots;
    this.cache = new KvCache(runtime, spec, options);
    const maxLogitsRows = Math.max(options.slots, 1 + (options.speculativeTokens ?? 0), options.logitsRows ?? 0);
    const maxTokens = Math.max(maxLogitsRows, options.prefillChunk);
    const [ids, lengths, total, rows, logits] = [
      maxTokens * BigInt64Array.BYTES_PER_ELEMENT,
      options.slots * Int32Array.BYTES_PER_ELEMENT,
      Int32Array.BYTES_PER_ELEMENT,
      maxLogitsRows * BigInt64Array.BYTES_PER_ELEMENT,
      maxLogitsRows * spec.vocabSize * Float32Array.BYTES_PER_ELEMENT,
    ].map((bytes) => runtime.allocate(bytes));
    this.memory = [ids, lengths, total, rows, logits];
    this.inputIds = new BigInt64Array(ids.buffer);
    this.sequenceLengths = new Int32Array(lengths.buffer);
    this.totalLength = new Int32Array(total.buffer);
    this.logitsRows = new BigInt64Array(rows.buffer);
    this.logits = new Float32Array(logits.buffer);
    // Last: it takes longest, and when it fails, what came before it is easily freed.
    try {
      this.session = new OrtSession(runtime, model, weights, options);
    } catch (error) {
      this.freeMemory();
      throw error;
    }
  }

  get vocabSize(): number {
    return this.spec.vocabSize;
  }

  /**
   * Runs the network on new tokens; their keys and values are in the cache afterwards.
   *
   * @returns logits [logitsRows, vocabulary], one row after the other; overwritten by the next step
   * @throws {EngineError} runtime_failed
   */
  step(batch: StepBatch): Float32Array {
    const { rows, tokensPerRow } = batch;
    for (let i = 0; i < rows * tokensPerRow; i++) this.inputIds[i] = BigInt(batch.tokens[i]);
    let longest = 0;
    for (let row = 0; row < rows; row++) {
      const length = batch.cached[row] + tokensPerRow;
      if (length > this.capacity)
        throw new RangeError(`slot ${batch.firstSlot + row} has no room for ${length} tokens`);
      this.sequenceLengths[row] = length - 1;
      longest = Math.max(longest, length);
    }
    this.totalLength[0] = longest;
    batch.logitsRows.forEach((row, i) => (this.logitsRows[i] = BigInt(row)));
    this.session.run(this.bind(batch).binding);
    return this.logits.subarray(0, batch.logitsRows.length * this.spec.vocabSize);
  }

  /** Makes the first `tokens` positions of slot `to` in the KV cache those of slot `from`. */
  copy(from: number, to: number, tokens: number): void {
    this.cache.copy(from, to, tokens);
  }

  /** Lets the first `tokens` positions of two slots in the KV cache change places. */
  exchange(a: number, b: number, tokens: number): void {
    this.cache.exchange(a, b, tokens);
  }

  dispose(): void {
    for (const range of this.bindings.values()) disposeRange(range);
    this.bindings.clear();
    this.session.dispose();
    this.freeMemory();
  }

  private freeMemory(): void {
    this.cache.dispose();
    for (const memory of this.memory) memory.dispose();
  }

  private bind({ firstSlot, rows, tokensPerRow, logitsRows }: StepBatch): RangeBinding {
    const key = `${firstSlot}+${rows}`;
    const range = this.bindings.get(key) ?? this.bindRange(firstSlot, rows);
    // Last in the map is used last, so the first is the one to give up.
    this.bindings.delete(key);
    this.bindings.set(key, range);
    if (this.bindings.size > MAX_BINDINGS) {
      const [oldest, unused] = this.bindings.entries().next().value as [string, RangeBinding];
      this.bindings.delete(oldest);
      disposeRange(unused);
    }
    if (range.tokensPerRow !== tokensPerRow || range.logitsRows !== logitsRows.length) {
      this.bindStep(range, rows, tokensPerRow, logitsRows.length);
    }
    return range;
  }

  private bindRange(firstSlot: number, rows: number): RangeBinding {
    const binding = this.session.createBinding();
    const cacheTensors = this.spec.layers.flatMap((_, layer) => {
      const key = this.cache.tensor(layer, 'key', firstSlot, rows);
      const value = this.cache.tensor(layer, 'value', firstSlot, rows);
      // The same memory as input and output: attention then updates the cache in place.
      binding.input(GRAPH_IO.pastKey(layer), key);
      binding.input(GRAPH_IO.pastValue(layer), value);
      binding.output(GRAPH_IO.presentKey(layer), key);
      binding.output(GRAPH_IO.presentValue(layer), value);
      return [key, value];
    });
    return { binding, cacheTensors, stepTensors: [], tokensPerRow: 0, logitsRows: 0 };
  }

  private bindStep(range: RangeBinding, rows: number, tokensPerRow: number, logitsRows: number): void {
    const { runtime, memory, spec } = this;
    const [ids, lengths, total, wanted, logits] = memory;
    const inputs = [
      [GRAPH_IO.inputIds, new OrtTensor(runtime, ids, 0, 'int64', [rows, tokensPerRow])],
      [GRAPH_IO.sequenceLengths, new OrtTensor(runtime, lengths, 0, 'int32', [rows])],
      [GRAPH_IO.totalLength, new OrtTensor(runtime, total, 0, 'int32', [])],
      [GRAPH_IO.logitsRows, new OrtTensor(runtime, wanted, 0, 'int64', [logitsRows])],
    ] as const;
    const output = new OrtTensor(runtime, logits, 0, 'float32', [logitsRows, spec.vocabSize]);
    for (const [name, tensor] of inputs) range.binding.input(name, tensor);
    range.binding.output(GRAPH_IO.logits, output);
    for (const tensor of range.stepTensors) tensor.dispose();
    range.stepTensors = [...inputs.map(([, tensor]) => tensor), output];
    range.tokensPerRow = tokensPerRow;
    range.logitsRows = logitsRows;
  }
}

function disposeRange({ binding, cacheTensors, stepTensors }: RangeBinding): void {
  binding.dispose();
  for (const tensor of [...cacheTensors, ...stepTensors]) tensor.dispose();
}
