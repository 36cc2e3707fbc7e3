import type { CheckpointTensor } from './checkpoint.js';
import type { DataType } from './data-type.js';

/**
 * How a weight is held in memory: as float32, or in blocks of small whole numbers that share a scale. A quantized value
 * is (q − 2^(bits − 1)) · scale; blocks run along the input dimension, whose size they divide.
 */
export type WeightFormat = 'float32' | QuantizedFormat;

export interface QuantizedFormat {
  readonly bits: 4 | 8;
  /** Weights that share a scale: a power of two from 16 to 256. */
  readonly blockSize: number;
}

/** A tensor of the checkpoint, of a type that holds plain numbers. */
export type WeightSource = CheckpointTensor & {
  readonly dtype: DataType;
  /** What its values are multiplied with; 1 if left out. */
  readonly factor?: number;
};

/** A weight that the graph computes with, and the tensors of the checkpoint that it is made of. */
export interface WeightPlan {
  readonly name: string;
  /** Stacked by their first dimension, in this order. */
  readonly sources: readonly WeightSource[];
  readonly shape: readonly number[];
  readonly format: WeightFormat;
}

/** A tensor of a weight in memory: its values, or the scales of its blocks. */
export interface WeightPart {
  readonly name: string;
  readonly type: 'float32' | 'uint8';
  readonly shape: readonly number[];
  readonly bytes: number;
}

/**
 * The tensors that a weight is held in: float32 values, alone; or quantized ones in the layout of MatMulNBits, [rows, blocks,
 * bytes of a block] with the first of two 4-bit values in the low half of a byte, and their float32 scales
 * [rows · blocks].
 * Source: https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.MatMulNBits
 */
export function partsOf({ name, shape, format }: WeightPlan): readonly WeightPart[] {
  const weights = shape.reduce((product, size) => product * size, 1);
  if (format === 'float32') return [{ name, type: 'float32', shape, bytes: weights * 4 }];
  const { bits, blockSize } = format;
  const blocks = weights / blockSize;
  const blockBytes = (blockSize * bits) / 8;
  const [rows] = shape;
  return [
    { name, type: 'uint8', shape: [rows, blocks / rows, blockBytes], bytes: blocks * blockBytes },
    { name: scalesOf(name), type: 'float32', shape: [blocks], bytes: blocks * 4 },
  ];
}

/** The name of the scales of a quantized weight. */
export function scalesOf(name: string): string {
  return `${name}.scales`;
}

/** Bytes of weights in memory. */
export function bytesOfWeights(plans: readonly WeightPlan[]): number {
  return plans.flatMap(partsOf).reduce((sum, { bytes }) => sum + bytes, 0);
}
