import type { Pointer } from '../ort/c-api.js';
import type { OrtRuntime } from '../ort/runtime.js';
import { OrtTensor, type NativeMemory } from '../ort/tensor.js';
import { partsOf, type WeightPart, type WeightPlan } from './weight-plan.js';

/** Parts smaller than this are not worth asking about. */
const LARGE = 65_536;
/** Bytes at the end of a part that are changed to see whether it matters: of stacked projections, the last one's. */
const PROBE = 64;

interface Part {
  readonly memory: NativeMemory;
  readonly tensor: OrtTensor;
  readonly type: WeightPart['type'];
}

/** The memory of weights that are handed to a session. Owner: whoever owns the session, which must go first. */
export class WeightMemory {
  private readonly parts = new Map<string, Part>();

  /** Allocates room for weights; nothing is in it yet. */
  constructor(runtime: OrtRuntime, plans: readonly WeightPlan[]) {
    try {
      for (const { name, type, shape, bytes } of plans.flatMap(partsOf)) {
        const memory = runtime.allocate(bytes);
        this.parts.set(name, { memory, tensor: new OrtTensor(runtime, memory, 0, type, shape), type });
      }
    } catch (error) {
      this.dispose();
      throw error;
    }
  }

  /** By the names that the graph gives them. */
  get tensors(): ReadonlyMap<string, OrtTensor> {
    return new Map([...this.parts].map(([name, { tensor }]) => [name, tensor]));
  }

  address(name: string): Pointer {
    return (this.parts.get(name) as Part).memory.address;
  }

  /**
   * Frees what the session does not read any more: it packs most matrices into memory of its own, but does not say
   * which. So all of them are changed, and if that changes nothing in what it computes, they go.
   *
   * @param compute something that every weight has a part in; the same each time
   */
  freeUnread(compute: () => Float32Array): void {
    const large = [...this.parts].filter(([, { memory }]) => memory.bytes >= LARGE);
    const before = compute().slice();
    // What is not a number hides whatever else becomes one.
    if (!before.every(Number.isFinite)) return;
    const restore = large.map(([, part]) => spoil(part));
    const after = compute();
    if (before.some((value, i) => !Object.is(value, after[i]))) return restore.forEach((undo) => undo());
    for (const [name, part] of large) {
      disposePart(part);
      this.parts.delete(name);
    }
  }

  dispose(): void {
    for (const part of this.parts.values()) disposePart(part);
    this.parts.clear();
  }
}

function disposePart({ memory, tensor }: Part): void {
  tensor.dispose();
  memory.dispose();
}

/** Changes the end of a part in a way that shows; returns what undoes it. */
function spoil({ memory, type }: Part): () => void {
  const bytes = new Uint8Array(memory.view(memory.bytes - PROBE, PROBE));
  const saved = bytes.slice();
  // As a float32, all ones is not a number, which not even a factor of zero hides.
  for (const [i, byte] of saved.entries()) bytes[i] = type === 'float32' ? 0xff : byte ^ 0xff;
  return () => bytes.set(saved);
}
