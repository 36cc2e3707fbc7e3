import type { QuantizedFormat } from '../../src/engine/weights/weight-plan.js';
import type { Tensor } from './safetensors.js';

/** The numbers of a tensor of type F32 or BF16. */
export function numbersOf({ dtype, data }: Tensor): Float32Array {
  if (dtype === 'F32') return Float32Array.from({ length: data.length / 4 }, (_, i) => data.readFloatLE(4 * i));
  if (dtype !== 'BF16') throw new RangeError(`a tensor of ${dtype}`);
  return Float32Array.from({ length: data.length / 2 }, (_, i) => {
    const bytes = Buffer.alloc(4);
    data.copy(bytes, 2, 2 * i, 2 * i + 2);
    return bytes.readFloatLE();
  });
}

export function tensorOf(shape: readonly number[], numbers: Float32Array): Tensor {
  return { dtype: 'F32', shape, data: Buffer.from(numbers.buffer, numbers.byteOffset, numbers.byteLength) };
}

export interface QuantizedBlock {
  readonly scale: number;
  /** Whole numbers, from 0 to 2^bits − 1. */
  readonly values: readonly number[];
}

/** Blocks as they are documented, in plain words: nothing of it is shared with the engine. */
export function quantizedBlocks(weights: Float32Array, { bits, blockSize }: QuantizedFormat): QuantizedBlock[] {
  const zero = 2 ** (bits - 1);
  return Array.from({ length: weights.length / blockSize }, (_, block) => {
    const some = [...weights.subarray(block * blockSize, (block + 1) * blockSize)];
    const extreme = some.reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a), 0);
    const scale = Math.fround(extreme / -zero);
    const values = some.map((weight) =>
      scale === 0 ? zero : Math.min(2 * zero - 1, Math.max(0, Math.round(weight / scale) + zero)),
    );
    return { scale, values };
  });
}

/** What is left of weights when they were quantized. */
export function dequantized(weights: Float32Array, format: QuantizedFormat): Float32Array {
  const zero = 2 ** (format.bits - 1);
  return Float32Array.from(
    quantizedBlocks(weights, format).flatMap(({ scale, values }) => values.map((value) => (value - zero) * scale)),
  );
}
