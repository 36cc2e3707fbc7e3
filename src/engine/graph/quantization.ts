import { EngineError } from '../errors.js';
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

const BLOCK_SIZES: readonly number[] = [16, 32, 64, 128, 256];

/** @throws {EngineError} request_invalid when a recipe of the caller's own names a format that there is no operator for */
export function recipeOf(quantization: Quantization | QuantizationRecipe): QuantizationRecipe | undefined {
  if (quantization === 'none') return undefined;
  if (typeof quantization === 'string') return QUANTIZATION_RECIPES[quantization];
  for (const { bits, blockSize } of [quantization.layers, quantization.head]) {
    if (![4, 8].includes(bits) || !BLOCK_SIZES.includes(blockSize)) {
      throw new EngineError(
        'request_invalid',
        `${bits} bits in blocks of ${blockSize} were asked for, but must be 4 or 8 in blocks of ${BLOCK_SIZES.join(', ')}`,
      );
    }
  }
  return quantization;
}

/** The format for a matrix: the largest block that divides its columns; float32 when none does. */
export function formatFor(wanted: QuantizedFormat | undefined, columns: number): WeightFormat {
  if (!wanted) return 'float32';
  const blockSize = BLOCK_SIZES.findLast((size) => size <= wanted.blockSize && columns % size === 0);
  return blockSize === undefined ? 'float32' : { ...wanted, blockSize };
}

/** About how many bytes the weights take in memory; an embedding stays in its file. */
export function estimateWeightBytes(
  { vocabSize, hiddenSize, tiedEmbeddings }: DecoderSpec,
  parameters: number,
  recipe: QuantizationRecipe | undefined,
): number {
  const head = vocabSize * hiddenSize;
  const layers = Math.max(0, parameters - head * (tiedEmbeddings ? 1 : 2));
  return layers * bytesPerWeight(recipe?.layers) + head * bytesPerWeight(recipe?.head);
}

function bytesPerWeight(format: QuantizedFormat | undefined): number {
  return format ? format.bits / 8 + Float32Array.BYTES_PER_ELEMENT / format.blockSize : Float32Array.BYTES_PER_ELEMENT;
}
