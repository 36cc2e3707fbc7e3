import type { QuantizedFormat } from '../../src/engine/weights/weight-plan.js';
import type { Tensor } from './safetensors.js';

// Each look at a global name takes long under Jest, and weights are many.
const { abs, fround, max, min, round } = Math;

/** The numbers of a tensor of type F32 or BF16. */
export function numbersOf({ dtype, data }: Tensor): Float32Array {
  // A copy, since typed arrays begin at multiples of their elements' size.
  const { buffer } = new Uint8Array(data);
  if (dtype === 'F32') return new Float32Array(buffer);
  if (dtype !== 'BF16') throw new RangeError(`a tensor of ${dtype}`);
  // The upper half of a float32.
  return new Float32Array(Uint32Array.from(new Uint16Array(buffer), (half) => half << 16).buffer);
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
    const some = weights.subarray(block * blockSize, (block + 1) * blockSize);
    const extreme = some.reduce((a, b) => (abs(b) > abs(a) ? b : a), 0);
    const scale = fround(extreme / -zero);
    const values = Array.from(some, (weight) =>
      scale === 0 ? zero : min(2 * zero - 1, max(0, round(weight / scale) + zero)),
    );
    return { scale, values };
  });
}

/** What is left of weights when they were quantized. */
export function dequantized(weights: Float32Array, format: QuantizedFormat): Float32Array {
  const zero = 2 ** (format.bits - 1);
  const left = new Float32Array(weights.length);
  let at = 0;
  for (const { scale, values } of quantizedBlocks(weights, format)) {
    for (const value of values) left[at++] = (value - zero) * scale;
  }
  return left;
}
