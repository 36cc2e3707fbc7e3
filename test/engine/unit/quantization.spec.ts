import { readDecoderSpec } from '../../../src/engine/graph/architectures/index.js';
import { buildDecoderGraph } from '../../../src/engine/graph/decoder-graph.js';
import {
  estimateWeightBytes,
  formatFor,
  QUANTIZATION_RECIPES,
  recipeOf,
  type QuantizationRecipe,
} from '../../../src/engine/graph/quantization.js';
import { openCheckpoint } from '../../../src/engine/weights/checkpoint.js';
import { bytesOfWeights } from '../../../src/engine/weights/weight-plan.js';
import { DEMO_MODEL, fixture, readJson } from '../../support/folders.js';
import { engineErrorOf } from './support/engine-error.js';

describe('the format of a matrix', () => {
  it.each([
    [576, 128, 64],
    [576, 64, 64],
    [576, 32, 32],
    [176, 64, 16],
    [4096, 256, 256],
    [16, 256, 16],
  ])('of %i columns, in blocks of at most %i, has blocks of %i', (columns, blockSize, expected) => {
    expect(formatFor({ bits: 4, blockSize }, columns)).toEqual({ bits: 4, blockSize: expected });
  });

  it.each([1, 8, 24, 172, 4095])('of %i columns, which no block divides, is float32', (columns) => {
    expect(formatFor({ bits: 8, blockSize: 256 }, columns)).toBe('float32');
  });

  it('is float32 when nothing is to be quantized', () => {
    expect(formatFor(undefined, 4096)).toBe('float32');
  });
});

describe('a recipe', () => {
  it('has a name, or none at all', () => {
    expect(recipeOf('none')).toBeUndefined();
    expect(recipeOf('int4')).toBe(QUANTIZATION_RECIPES.int4);
  });

  it('can be given', () => {
    const recipe: QuantizationRecipe = { layers: { bits: 4, blockSize: 16 }, head: { bits: 8, blockSize: 256 } };
    expect(recipeOf(recipe)).toBe(recipe);
  });

  it.each([
    [4, 8],
    [4, 48],
    [8, 512],
    [8, 0],
    [8, NaN],
    [8, Infinity],
    [5, 64],
  ])('of %d bits in blocks of %d is refused', (bits, blockSize) => {
    const odd = { bits: bits as 4 | 8, blockSize };
    const good = { bits: 8, blockSize: 64 } as const;
    for (const recipe of [
      { layers: odd, head: good },
      { layers: good, head: odd },
    ]) {
      const { code, message } = engineErrorOf(() => recipeOf(recipe));
      expect(code).toBe('request_invalid');
      expect(message).toContain(`${bits} bits in blocks of ${blockSize}`);
    }
  });
});

describe('the estimate of the bytes of weights', () => {
  const folders = { llama: fixture('llama'), smollm3: fixture('smollm3'), demo: DEMO_MODEL };
  const names = Object.keys(folders) as (keyof typeof folders)[];

  it.each(names.flatMap((name) => (['none', 'int8', 'int4'] as const).map((recipe) => [name, recipe] as const)))(
    'is close for %s in %s',
    (name, quantization) => {
      const spec = readDecoderSpec(readJson(`${folders[name]}/config.json`) as Record<string, unknown>);
      const checkpoint = openCheckpoint(folders[name]);
      const recipe = recipeOf(quantization);
      const { weights } = buildDecoderGraph(spec, checkpoint, 64, recipe);
      const ratio = estimateWeightBytes(spec, checkpoint.parameters, recipe) / bytesOfWeights(weights);
      // Smaller blocks than wanted, and norms that stay as they are, weigh more in tiny models than in others.
      expect(ratio).toBeGreaterThan(0.85);
      expect(ratio).toBeLessThan(1.05);
    },
  );
});
