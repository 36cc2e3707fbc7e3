import type { DecoderSpec } from '../../../src/engine/graph/decoder-spec.js';
import type { OrtRuntime } from '../../../src/engine/ort/runtime.js';
import { KvCache } from '../../../src/engine/runner/kv-cache.js';

const SIZE = { slots: 3, capacity: 5 };
const SPEC = { kvHeads: 2, headDim: 4, layers: [{}, {}] } as unknown as DecoderSpec;
const HEAD_VALUES = SIZE.capacity * SPEC.headDim;
const BUFFERS = 2 * SPEC.layers.length;

/** Memory of JavaScript's own in place of native memory, a piece for each slot, that counts the windows onto it. */
class FakeMemory {
  windows = 0;
  private readonly slots = new Map<number, ArrayBuffer>();

  view(byteOffset: number, bytes: number): ArrayBuffer {
    this.windows++;
    const slot = this.slots.get(byteOffset) ?? new ArrayBuffer(bytes);
    this.slots.set(byteOffset, slot);
    return slot;
  }

  /** The values of a slot, without counting. */
  slot(index: number): Float32Array {
    const bytes = SPEC.kvHeads * HEAD_VALUES * 4;
    const values = new Float32Array(this.view(index * bytes, bytes));
    this.windows--;
    return values;
  }
}

function cacheOf(): { cache: KvCache; memories: FakeMemory[] } {
  const memories: FakeMemory[] = [];
  const allocate = (): FakeMemory => memories[memories.push(new FakeMemory()) - 1];
  const cache = new KvCache({ allocate } as unknown as OrtRuntime, SPEC, SIZE);
  memories.forEach((memory, buffer) => {
    for (let slot = 0; slot < SIZE.slots; slot++)
      memory.slot(slot).forEach((_, i, values) => (values[i] = value(buffer, slot, i)));
  });
  return { cache, memories };
}

/** What lies at the i-th place of a slot of a buffer in the beginning. */
function value(buffer: number, slot: number, i: number): number {
  return 1000 * buffer + 100 * slot + i;
}

/** Whether the i-th value of a slot belongs to one of the first tokens. */
function isAmong(tokens: number, i: number): boolean {
  return i % HEAD_VALUES < tokens * SPEC.headDim;
}

describe('the KV cache', () => {
  it('copies the first tokens of every head of every layer, and no other', () => {
    const { cache, memories } = cacheOf();
    cache.copy(0, 2, 3);
    expect(memories).toHaveLength(BUFFERS);
    memories.forEach((memory, buffer) => {
      expect([...memory.slot(2)]).toEqual([...memory.slot(2)].map((_, i) => value(buffer, isAmong(3, i) ? 0 : 2, i)));
      expect([...memory.slot(0)]).toEqual([...memory.slot(0)].map((_, i) => value(buffer, 0, i)));
    });
  });

  it('exchanges the first tokens of two slots', () => {
    const { cache, memories } = cacheOf();
    cache.exchange(1, 2, 4);
    memories.forEach((memory, buffer) => {
      expect([...memory.slot(1)]).toEqual([...memory.slot(1)].map((_, i) => value(buffer, isAmong(4, i) ? 2 : 1, i)));
      expect([...memory.slot(2)]).toEqual([...memory.slot(2)].map((_, i) => value(buffer, isAmong(4, i) ? 1 : 2, i)));
    });
  });

  // Each window counts as memory that JavaScript allocated: several thousand a second kept its garbage collector busy.
  it('looks at each slot of each buffer through one window, however much is moved', () => {
    const { cache, memories } = cacheOf();
    for (let i = 0; i < 100; i++) {
      cache.copy(i % 3, (i + 1) % 3, 5);
      cache.exchange(i % 3, (i + 2) % 3, 5);
    }
    for (const { windows } of memories) expect(windows).toBe(SIZE.slots);
  });
});
