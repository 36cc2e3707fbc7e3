import koffi from 'koffi';
import { ONNX_TYPE, type OnnxType } from '../graph/onnx-graph.js';
import type { Pointer } from './c-api.js';
import type { OrtRuntime } from './runtime.js';

const ELEMENT_BYTES: Readonly<Record<OnnxType, number>> = { float32: 4, uint8: 1, int32: 4, int64: 8 };

/**
 * Memory outside of JavaScript's heap, owned by whoever allocated it. An OrtValue does not keep a typed array alive,
 * so tensors lie here and JavaScript looks at them, never the other way round.
 */
export class NativeMemory {
  constructor(
    readonly address: Pointer,
    readonly bytes: number,
    private readonly free: () => void,
  ) {}

  /** A window onto all of the memory; not to be touched after `dispose()`. */
  get buffer(): ArrayBuffer {
    return this.view(0, this.bytes);
  }

  /** A window onto a part of it. Node 20 ends the process when one is of 4 GiB or more. */
  view(byteOffset: number, bytes: number): ArrayBuffer {
    return koffi.view(this.address + BigInt(byteOffset), bytes);
  }

  dispose(): void {
    this.free();
  }
}

/** An OrtValue over a range of native memory that outlives it. */
export class OrtTensor {
  readonly handle: Pointer;

  /**
   * @param byteOffset start of the tensor in `memory`
   * @param shape elements in each dimension; none for a scalar
   */
  constructor(
    private readonly runtime: OrtRuntime,
    memory: NativeMemory,
    byteOffset: number,
    type: OnnxType,
    shape: readonly number[],
  ) {
    const bytes = shape.reduce((product, size) => product * size, ELEMENT_BYTES[type]);
    if (byteOffset + bytes > memory.bytes) {
      throw new RangeError(`tensor [${shape.join(', ')}] at byte ${byteOffset} exceeds its ${memory.bytes} bytes`);
    }
    this.handle = runtime.api.create(
      'CreateTensorWithDataAsOrtValue',
      runtime.cpuMemory,
      memory.address + BigInt(byteOffset),
      bytes,
      BigInt64Array.from(shape, BigInt),
      shape.length,
      ONNX_TYPE[type],
    );
  }

  dispose(): void {
    this.runtime.api.release('ReleaseValue', this.handle);
  }
}
