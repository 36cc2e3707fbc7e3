import type { DecoderSpec } from './decoder-spec.js';
import type { QuantizedFormat, WeightFormat } from '../weights/weight-plan.js';

/** Which matrices are quantized, and how: block sizes are upper limits. */
export interface QuantizationRecipe {
  /** The projections of the layers. */
  readonly layers: QuantizedFormat;
  /** The output head, whose errors go straight into the logits. */
  readonly head: QuantizedFormat;
}

/**
 * Large blocks, since they compute faster and cost next to nothing; a head of 8 bits in any case, since that is what a
 * quantization by 4 bits costs most in. See docs/benchmarks.md for what each choice does to quality.
 */
export const QUANTIZATION_RECIPES = {
  int8: { layers: { bits: 8, blockSize: 128 }, head: { bits: 8, blockSize: 128 } },
  int4: { layers: { bits: 4, blockSize: 128 }, head: { bits: 8, blockSize: 128 } },
} as const satisfies Record<string, QuantizationRecipe>;

/** The names of the recipes, and `none` for weights in the type that the network computes in. */
export type Quantization = 'none' | keyof typeof QUANTIZATION_RECIPES;

const LEAST_BLOCK = 16;

export function recipeOf(quantization: Quantization | QuantizationRecipe): QuantizationRecipe | undefined {
  if (quantization === 'none') return undefined;
  return typeof quantization === 'string' ? QUANTIZATION_RECIPES[quantization] : quantization;
}

/** The format for a matrix: the largest block that divides its columns; float32 when none does. */
export function formatFor(wanted: QuantizedFormat | undefined, columns: number): WeightFormat {
  if (!wanted) return 'float32';
  for (let { blockSize } = wanted; blockSize >= LEAST_BLOCK; blockSize /= 2) {
    if (columns % blockSize === 0) return { ...wanted, blockSize };
  }
  return 'float32';
}

/** About how many bytes the weights take in memory; the embedding stays in its file. */
export function estimateWeightBytes(
  { vocabSize, hiddenSize }: DecoderSpec,
  parameters: number,
  recipe: QuantizationRecipe | undefined,
): number {
  const head = vocabSize * hiddenSize;
  const layers = Math.max(0, parameters - head);
  return layers * bytesPerWeight(recipe?.layers) + head * bytesPerWeight(recipe?.head);
}

function bytesPerWeight(format: QuantizedFormat | undefined): number {
  return format ? format.bits / 8 + Float32Array.BYTES_PER_ELEMENT / format.blockSize : Float32Array.BYTES_PER_ELEMENT;
}
