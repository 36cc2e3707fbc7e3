import type { DecoderSpec } from '../graph/decoder-spec.js';
import type { OrtRuntime } from '../ort/runtime.js';
import { OrtTensor, type NativeMemory } from '../ort/tensor.js';

export interface KvCacheSize {
  /** Sequences that fit at the same time. */
  readonly slots: number;
  /** Tokens that fit into one slot. */
  readonly capacity: number;
}

export type KvKind = 'key' | 'value';

/**
 * Keys and values of every sequence: for each layer and kind one buffer, float32 [slots, kv heads, capacity, head size].
 * A batch is a contiguous range of slots, hence a tensor over part of the buffer; nothing is copied to form one.
 */
export class KvCache {
  private readonly buffers: readonly Record<KvKind, NativeMemory>[];
  private readonly windows: (readonly Uint8Array[])[] = [];
  /** Bytes of one slot in one buffer. */
  private readonly slotBytes: number;
  /** Bytes of one token of one head in one buffer. */
  private readonly tokenBytes: number;

  constructor(
    private readonly runtime: OrtRuntime,
    private readonly spec: DecoderSpec,
    readonly size: KvCacheSize,
  ) {
    this.tokenBytes = spec.headDim * Float32Array.BYTES_PER_ELEMENT;
    this.slotBytes = spec.kvHeads * size.capacity * this.tokenBytes;
    const allocate = (): NativeMemory => runtime.allocate(this.slotBytes * size.slots);
    this.buffers = spec.layers.map(() => ({ key: allocate(), value: allocate() }));
  }

  /** A tensor [rows, kv heads, capacity, head size] over the slots from `firstSlot` on; the caller owns it. */
  tensor(layer: number, kind: KvKind, firstSlot: number, rows: number): OrtTensor {
    const { kvHeads, headDim } = this.spec;
    const shape = [rows, kvHeads, this.size.capacity, headDim];
    return new OrtTensor(this.runtime, this.buffers[layer][kind], firstSlot * this.slotBytes, 'float32', shape);
  }

  /** Makes the first `tokens` positions of slot `to` those of slot `from`. */
  copy(from: number, to: number, tokens: number): void {
    this.forEachHead(from, to, tokens, (source, target) => target.set(source));
  }

  /** Lets the first `tokens` positions of two slots change places. */
  exchange(a: number, b: number, tokens: number): void {
    const spare = new Uint8Array(tokens * this.tokenBytes);
    this.forEachHead(a, b, tokens, (first, second) => {
      spare.set(first);
      first.set(second);
      second.set(spare);
    });
  }

  /** Calls back with the first `tokens` positions of two slots, for each head of each buffer. */
  private forEachHead(a: number, b: number, tokens: number, visit: (a: Uint8Array, b: Uint8Array) => void): void {
    const headBytes = this.size.capacity * this.tokenBytes;
    const bytes = tokens * this.tokenBytes;
    const [first, second] = [this.windowsOf(a), this.windowsOf(b)];
    for (const [i, window] of first.entries()) {
      for (let head = 0; head < this.spec.kvHeads; head++) {
        const start = head * headBytes;
        visit(window.subarray(start, start + bytes), second[i].subarray(start, start + bytes));
      }
    }
  }

  /**
   * Windows onto one slot of every buffer. They are kept: each new one counts as memory that JavaScript allocated, and a
   * few of this size make it collect garbage all the time.
   */
  private windowsOf(slot: number): readonly Uint8Array[] {
    const { slotBytes } = this;
    this.windows[slot] ??= this.buffers
      .flatMap(({ key, value }) => [key, value])
      .map((memory) => new Uint8Array(memory.view(slot * slotBytes, slotBytes)));
    return this.windows[slot];
  }

  dispose(): void {
    for (const { key, value } of this.buffers) {
      key.dispose();
      value.dispose();
    }
  }
}
