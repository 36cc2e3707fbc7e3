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
  /** Bytes of one slot in one buffer. */
  private readonly slotBytes: number;

  constructor(
    private readonly runtime: OrtRuntime,
    private readonly spec: DecoderSpec,
    readonly size: KvCacheSize,
  ) {
    this.slotBytes = spec.kvHeads * size.capacity * spec.headDim * Float32Array.BYTES_PER_ELEMENT;
    const allocate = (): NativeMemory => runtime.allocate(this.slotBytes * size.slots);
    this.buffers = spec.layers.map(() => ({ key: allocate(), value: allocate() }));
  }

  /** A tensor [rows, kv heads, capacity, head size] over the slots from `firstSlot` on; the caller owns it. */
  tensor(layer: number, kind: KvKind, firstSlot: number, rows: number): OrtTensor {
    const { kvHeads, headDim } = this.spec;
    const shape = [rows, kvHeads, this.size.capacity, headDim];
    return new OrtTensor(this.runtime, this.buffers[layer][kind], firstSlot * this.slotBytes, 'float32', shape);
  }

  dispose(): void {
    for (const { key, value } of this.buffers) {
      key.dispose();
      value.dispose();
    }
  }
}
