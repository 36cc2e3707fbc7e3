import { Random } from '../../../src/engine/sampling/random.js';
import { chiSquare, chiSquareLimit } from './support/chi-square.js';

function numbers(seed: number, count: number): number[] {
  const random = new Random(seed);
  return Array.from({ length: count }, () => random.next());
}

describe('random numbers', () => {
  // Computed by another implementation of sfc32 and splitmix32, in Python.
  it.each([
    [0, [548183886, 1097162541, 2219297441]],
    [1, [2790067727, 318332870, 2056868072]],
    [42, [1851518923, 2513538144, 992839728]],
    [2 ** 32, [1751702707, 122769613, 2208210554]],
    [Number.MAX_SAFE_INTEGER, [3757445997, 3603064028, 1489593228]],
  ])('of seed %i are the same on every machine', (seed, words) => {
    expect(numbers(seed, 3).map((number) => number * 2 ** 32)).toEqual(words);
  });

  it('repeat with the same seed', () => {
    expect(numbers(1234, 100)).toEqual(numbers(1234, 100));
  });

  it.each([
    [0, 1],
    [1, 2],
    [41, 42],
    [2 ** 31, 2 ** 31 + 1],
    [7, 7 + 2 ** 32],
    [7 + 2 ** 32, 7 + 2 * 2 ** 32],
    [0, 2 ** 52],
    [2 ** 52, Number.MAX_SAFE_INTEGER],
  ])('differ between the seeds %i and %i', (a, b) => {
    const [first, second] = [numbers(a, 100), numbers(b, 100)];
    expect(first.filter((number, i) => number === second[i])).toEqual([]);
  });

  it('of the first thousand seeds begin differently', () => {
    expect(new Set(Array.from({ length: 1000 }, (_, seed) => numbers(seed, 1)[0])).size).toBe(1000);
  });

  it('are at least 0 and below 1', () => {
    for (const number of numbers(5, 100_000)) {
      if (!(number >= 0 && number < 1)) throw new Error(`${number} is outside`);
    }
  });

  it.each([1, 2, 3])('are spread evenly, with seed %i', (seed) => {
    const counts = new Array<number>(100).fill(0);
    for (const number of numbers(seed, 100_000)) counts[Math.floor(number * 100)]++;
    expect(chiSquare(counts, new Array<number>(100).fill(1 / 100))).toBeLessThan(chiSquareLimit(99));
  });

  it('do not tell the number after them', () => {
    const sequence = numbers(9, 100_001);
    const counts = new Array<number>(100).fill(0);
    for (let i = 0; i < 100_000; i++) counts[10 * Math.floor(sequence[i] * 10) + Math.floor(sequence[i + 1] * 10)]++;
    expect(chiSquare(counts, new Array<number>(100).fill(1 / 100))).toBeLessThan(chiSquareLimit(99));
  });

  it('of neighbouring seeds do not resemble each other', () => {
    const counts = new Array<number>(10).fill(0);
    for (let seed = 0; seed < 10_000; seed++) counts[Math.floor(numbers(seed, 1)[0] * 10)]++;
    expect(chiSquare(counts, new Array<number>(10).fill(1 / 10))).toBeLessThan(chiSquareLimit(9));
  });
});
