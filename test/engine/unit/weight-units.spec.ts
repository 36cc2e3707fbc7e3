import { bytesOfElement, type DataType } from '../../../src/engine/weights/data-type.js';
import {
  bytesOfWeights,
  partsOf,
  type WeightFormat,
  type WeightPlan,
  type WeightSource,
} from '../../../src/engine/weights/weight-plan.js';
import { cutIntoUnits, type UnitPart } from '../../../src/engine/weights/weight-units.js';

const MEBI = 2 ** 20;

/** Stacked tensors of some rows each, in files of their own, at offsets beyond 4 GiB. */
function planOf(
  name: string,
  rows: readonly number[],
  columns: number,
  format: WeightFormat,
  dtype: DataType = 'BF16',
): WeightPlan {
  const sources = rows.map((count, i): WeightSource => {
    const length = count * columns * (bytesOfElement(dtype) as number);
    return {
      name: `${name}.${i}`,
      location: `${name}-${i}`,
      shape: [count, columns],
      dtype,
      offset: 2 ** 33 + i,
      length,
    };
  });
  return { name, sources, shape: [rows.reduce((a, b) => a + b), columns], format };
}

const PLANS: readonly WeightPlan[] = [
  planOf('floats', [3], 5, 'float32', 'F32'),
  planOf('many floats', [1000, 1], 777, 'float32', 'F16'),
  planOf('int4', [900, 300, 300], 576, { bits: 4, blockSize: 64 }),
  planOf('int8', [1, 2047], 400, { bits: 8, blockSize: 16 }),
  planOf('wide', [1], 2 * MEBI, { bits: 4, blockSize: 256 }),
];

/** Each tensor far from the others, and in the cache only those that are quantized. */
const addresses = new Map(PLANS.flatMap(partsOf).map(({ name }, i) => [name, 2n ** 46n + BigInt(i) * 2n ** 32n]));
const cached = new Map(
  PLANS.slice(2).flatMap((plan, i) => partsOf(plan).map(({ name }, j) => [name, i * 1e10 + j * 1e9])),
);
const units = cutIntoUnits(PLANS, (name) => ({ address: addresses.get(name) as bigint, cached: cached.get(name) }));

/** Ranges that follow each other without a gap or an overlap, as one. */
function joined(ranges: readonly (readonly [begin: number, bytes: number])[]): number[][] {
  const result: number[][] = [];
  for (const [begin, bytes] of [...ranges].sort(([a], [b]) => a - b)) {
    const last = result.at(-1);
    if (last && last[0] + last[1] === begin) last[1] += bytes;
    else result.push([begin, bytes]);
  }
  return result;
}

const parts = units.flatMap(({ values, scales }): UnitPart[] => (scales ? [values, scales] : [values]));

describe('weights cut into units', () => {
  it.each(PLANS.flatMap(partsOf))('fill $name, every byte once', ({ name, bytes }) => {
    const start = addresses.get(name) as bigint;
    const inside = parts.filter(({ address }) => address >= start && address < start + 2n ** 32n);
    expect(joined(inside.map((part) => [Number(part.address - start), part.bytes]))).toEqual([[0, bytes]]);
  });

  it('read every byte of every source once, from its own file', () => {
    for (const { location, offset, length } of PLANS.flatMap(({ sources }) => sources)) {
      const same = units.filter((unit) => unit.location === location);
      expect(joined(same.map((unit) => [unit.offset, unit.bytes]))).toEqual([[offset, length]]);
    }
    const bytes = PLANS.flatMap(({ sources }) => sources).reduce((sum, { length }) => sum + length, 0);
    expect(units.reduce((sum, unit) => sum + unit.bytes, 0)).toBe(bytes);
  });

  it('have as many weights as they read, in whole blocks', () => {
    for (const { bytes, dtype, format, values, scales } of units) {
      const weights = bytes / (bytesOfElement(dtype) as number);
      if (format === 'float32') {
        expect([values.bytes, scales]).toEqual([weights * 4, undefined]);
      } else {
        expect(values.bytes).toBe((weights * format.bits) / 8);
        expect(scales?.bytes).toBe((weights / format.blockSize) * 4);
        expect(weights % format.blockSize).toBe(0);
      }
    }
  });

  it('keep the order of stacked tensors', () => {
    const start = addresses.get('int4') as bigint;
    const first = (location: string) => units.find((unit) => unit.location === location)?.values.address ?? 0n;
    expect(['int4-0', 'int4-1', 'int4-2'].map((location) => Number(first(location) - start))).toEqual([
      0,
      (900 * 576) / 2,
      (1200 * 576) / 2,
    ]);
  });

  it('have a place in the cache at the same distance from its start, if they have one', () => {
    for (const [name, address] of addresses) {
      const place = cached.get(name);
      for (const part of parts) {
        const distance = Number(part.address - address);
        if (distance < 0 || distance >= 2 ** 32) continue;
        expect(part.cached).toBe(place === undefined ? undefined : place + distance);
      }
    }
  });

  it('say what the values of their source are multiplied with', () => {
    const [{ sources, ...plan }] = PLANS;
    const scaled = { ...plan, sources: sources.map((source) => ({ ...source, factor: 0.125 })) };
    const factorsOf = (made: WeightPlan) => cutIntoUnits([made], () => ({ address: 0n })).map(({ factor }) => factor);
    expect(factorsOf(scaled)).toEqual([0.125]);
    expect(factorsOf(PLANS[0])).toEqual([undefined]);
  });

  it('are small, so that threads share them evenly and stop soon', () => {
    expect(Math.max(...units.map(({ bytes }) => bytes))).toBeLessThanOrEqual(MEBI);
  });
});

describe('the parts of a weight', () => {
  it('are its float32 values alone', () => {
    const parts = partsOf(planOf('w', [3, 4], 5, 'float32'));
    expect(parts).toEqual([{ name: 'w', type: 'float32', shape: [7, 5], bytes: 140 }]);
  });

  it.each([
    [4, 64, 32],
    [8, 64, 64],
    [4, 16, 8],
  ] as const)('are values of %i bits in blocks of %i, and scales', (bits, blockSize, blockBytes) => {
    const parts = partsOf(planOf('w', [3, 4], 192, { bits, blockSize }));
    const blocks = 192 / blockSize;
    expect(parts).toEqual([
      { name: 'w', type: 'uint8', shape: [7, blocks, blockBytes], bytes: 7 * blocks * blockBytes },
      { name: 'w.scales', type: 'float32', shape: [7 * blocks], bytes: 7 * blocks * 4 },
    ]);
  });

  it('sum up to the bytes of all weights', () => {
    expect(bytesOfWeights(PLANS.slice(0, 1))).toBe(60);
    expect(bytesOfWeights(PLANS)).toBe(PLANS.flatMap(partsOf).reduce((sum, { bytes }) => sum + bytes, 0));
  });
});
