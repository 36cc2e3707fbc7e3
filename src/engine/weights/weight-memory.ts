import type { Pointer } from '../ort/c-api.js';
import type { OrtRuntime } from '../ort/runtime.js';
import { OrtTensor, type NativeMemory } from '../ort/tensor.js';
import { partsOf, type WeightPlan } from './weight-plan.js';

/** Parts smaller than this are not worth asking about. */
const LARGE = 65_536;
/** Bytes at the beginning of a part that are changed to see whether it matters. */
const PROBE = 64;

interface Part {
  readonly memory: NativeMemory;
  readonly tensor: OrtTensor;
}

/** The memory of weights that are handed to a session. Owner: whoever owns the session, which must go first. */
export class WeightMemory {
  private readonly parts = new Map<string, Part>();

  /** Allocates room for weights; nothing is in it yet. */
  constructor(runtime: OrtRuntime, plans: readonly WeightPlan[]) {
    for (const { name, type, shape, bytes } of plans.flatMap(partsOf)) {
      const memory = runtime.allocate(bytes);
      this.parts.set(name, { memory, tensor: new OrtTensor(runtime, memory, 0, type, shape) });
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
    const invert = (): void => {
      for (const [, { memory }] of large) {
        const bytes = new Uint8Array(memory.buffer, 0, PROBE);
        bytes.forEach((byte, i) => (bytes[i] = byte ^ 0xff));
      }
    };
    invert();
    const after = compute();
    if (before.some((value, i) => !Object.is(value, after[i]))) return invert();
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
