import { quantize } from '../../../src/engine/weights/quantize.js';
import type { QuantizedFormat } from '../../../src/engine/weights/weight-plan.js';
import { quantizedBlocks } from '../../support/quantized.js';
import { Seeded } from './support/seeded.js';

const FENCE = 0xa5;

/** Quantizes into the middle of a fenced buffer and reads the documented layout back. */
function quantized(weights: Float32Array, format: QuantizedFormat) {
  const { bits, blockSize } = format;
  const size = (weights.length * bits) / 8;
  const memory = new Uint8Array(size + 32).fill(FENCE);
  const scales = new Float32Array(weights.length / blockSize + 2).fill(FENCE);
  quantize(weights, format, memory.subarray(16, 16 + size), scales.subarray(1, -1));
  expect([...memory.subarray(0, 16), ...memory.subarray(-16)]).toEqual(new Array(32).fill(FENCE));
  expect([scales[0], scales.at(-1)]).toEqual([FENCE, FENCE]);
  const bytes = [...memory.subarray(16, 16 + size)];
  const values = bits === 8 ? bytes : bytes.flatMap((byte) => [byte & 0x0f, byte >> 4]);
  return { values, scales: [...scales.subarray(1, -1)] };
}

function randomWeights(seed: number, count: number): Float32Array {
  const random = new Seeded(seed);
  return Float32Array.from({ length: count }, () => (random.next() + random.next() + random.next() - 1.5) / 8);
}

describe.each([4, 8] as const)('quantization to %i bits', (bits) => {
  const zero = 2 ** (bits - 1);

  it.each([16, 32, 64, 128, 256])('in blocks of %i is what is documented', (blockSize) => {
    const weights = randomWeights(blockSize, 40 * 256);
    const format = { bits, blockSize };
    const { values, scales } = quantized(weights, format);
    const expected = quantizedBlocks(weights, format);
    expect(scales).toEqual(expected.map(({ scale }) => scale));
    expect(values).toEqual(expected.flatMap((block) => block.values));
  });

  it('misses a weight by half a step at most, and by one step at the far end, where it is clipped', () => {
    const weights = randomWeights(7, 64 * 256);
    const { values, scales } = quantized(weights, { bits, blockSize: 64 });
    values.forEach((value, i) => {
      const scale = scales[Math.floor(i / 64)];
      const steps = Math.abs((value - zero) * scale - weights[i]) / Math.abs(scale);
      expect(steps).toBeLessThanOrEqual(value === 2 * zero - 1 ? 1 + 1e-6 : 0.5 + 1e-6);
    });
  });

  it.each([
    ['negative', -3, 3 / zero],
    ['positive', 3, -3 / zero],
  ])('keeps a %s extreme exactly, as the lowest number', (_, extreme, scale) => {
    const weights = new Float32Array(16).fill(0.1);
    weights[5] = extreme;
    const { values, scales } = quantized(weights, { bits, blockSize: 16 });
    expect(scales).toEqual([scale]);
    expect(values[5]).toBe(0);
    expect((values[5] - zero) * scales[0]).toBe(extreme);
  });

  it('clips what lies as far out on the other side', () => {
    const weights = new Float32Array(16);
    weights.set([-1, 1]);
    const { values, scales } = quantized(weights, { bits, blockSize: 16 });
    expect(values.slice(0, 3)).toEqual([0, 2 * zero - 1, zero]);
    expect(scales).toEqual([1 / zero]);
  });

  it('holds a block of zeros as zeros', () => {
    const { values, scales } = quantized(new Float32Array(64), { bits, blockSize: 32 });
    expect(values).toEqual(new Array(64).fill(zero));
    expect(scales.map(Math.abs)).toEqual([0, 0]);
  });

  it.each([NaN, Infinity, -Infinity, 3.4e38, 1e-45])('stays within its block for a weight of %d', (odd) => {
    const weights = randomWeights(3, 48);
    weights[20] = odd;
    const { values, scales } = quantized(weights, { bits, blockSize: 16 });
    const alone = quantized(randomWeights(3, 48), { bits, blockSize: 16 });
    for (const [from, to] of [
      [0, 16],
      [32, 48],
    ])
      expect(values.slice(from, to)).toEqual(alone.values.slice(from, to));
    expect([scales[0], scales[2]]).toEqual([alone.scales[0], alone.scales[2]]);
    expect(values.every((value) => value >= 0 && value < 2 * zero)).toBe(true);
  });
});
