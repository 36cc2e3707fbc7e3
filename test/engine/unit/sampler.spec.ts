import { argmax, type Candidates, candidates, kthLargest, Sampler } from '../../../src/engine/sampling/sampler.js';
import type { SamplingParameters } from '../../../src/engine/sampling/sampling-parameters.js';
import { chiSquare, chiSquareLimit } from './support/chi-square.js';
import { Seeded } from './support/seeded.js';

/** Everything that is drawn from, unless a test says otherwise. */
const OPEN: SamplingParameters = { doSample: true, temperature: 1, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1 };
const GREEDY: SamplingParameters = { ...OPEN, doSample: false };

/** Logits whose softmax is these probabilities. */
function logitsOf(...probabilities: readonly number[]): Float32Array {
  return Float32Array.from(probabilities, (probability) => Math.log(probability));
}

function candidatesOf(logits: Float32Array, parameters: Partial<SamplingParameters>): Map<number, number> {
  const { ids, weights }: Candidates = candidates(logits, { ...OPEN, ...parameters });
  expect(weights).toHaveLength(ids.length);
  return new Map(Array.from(ids, (id, i) => [id, weights[i]]));
}

function idsOf(logits: Float32Array, parameters: Partial<SamplingParameters>): number[] {
  return [...candidatesOf(logits, parameters).keys()].sort((a, b) => a - b);
}

function randomLogits(random: Seeded, length: number): Float32Array {
  return Float32Array.from({ length }, () => 12 * random.next() - 6);
}

describe('the k-th largest of some values', () => {
  it.each([
    [[3, 1, 2], 1, 3],
    [[3, 1, 2], 2, 2],
    [[3, 1, 2], 3, 1],
    [[5, 5, 5, 1], 3, 5],
    [[-1, -3, -2], 2, -2],
    [[0], 1, 0],
    [[-Infinity, 2, -Infinity], 2, -Infinity],
  ])('%j, k = %i, is %d', (values, k, expected) => {
    expect(kthLargest(Float32Array.from(values), k)).toBe(expected);
  });

  it('is the one at that place when they are sorted', () => {
    const random = new Seeded(1);
    for (let round = 0; round < 500; round++) {
      const length = random.integer(1, 200);
      // Few different values, so that there are ties; and as many as there are places.
      const range = random.pick([3, 50, 1_000_000]);
      const values = Float32Array.from({ length }, () => random.integer(-range, range));
      const k = random.integer(1, length);
      expect(kthLargest(values, k)).toBe(values.slice().sort().reverse()[k - 1]);
    }
  });

  it('is found without changing them', () => {
    const values = Float32Array.of(3, 1, 2, 5);
    kthLargest(values, 2);
    expect([...values]).toEqual([3, 1, 2, 5]);
  });
});

describe('the candidates for the next token', () => {
  it('are all tokens when nothing limits them, weighted by their probability', () => {
    const weights = candidatesOf(logitsOf(0.5, 0.2, 0.3), {});
    expect([...weights.keys()]).toEqual([0, 1, 2]);
    expect((weights.get(1) ?? NaN) / (weights.get(0) ?? NaN)).toBeCloseTo(0.4, 6);
    expect((weights.get(2) ?? NaN) / (weights.get(0) ?? NaN)).toBeCloseTo(0.6, 6);
  });

  it('do not depend on a constant in all logits, even a large one', () => {
    const shifted = candidatesOf(Float32Array.of(1000, 1001), {});
    expect((shifted.get(1) ?? NaN) / (shifted.get(0) ?? NaN)).toBeCloseTo(Math.E, 6);
  });

  describe('under top-k', () => {
    it.each([
      [1, [2]],
      [2, [2, 3]],
      [3, [0, 2, 3]],
      [4, [0, 1, 2, 3]],
    ])('are the %i most probable', (topK, ids) => {
      expect(idsOf(logitsOf(0.2, 0.1, 0.4, 0.3), { topK })).toEqual(ids);
    });

    it.each([0, 3, 4, 1000])('are all of three when k is %i', (topK) => {
      expect(idsOf(logitsOf(0.2, 0.3, 0.5), { topK })).toEqual([0, 1, 2]);
    });

    it('include every token that ties with the last', () => {
      expect(idsOf(Float32Array.of(1, 2, 1, 0, 1), { topK: 2 })).toEqual([0, 1, 2, 4]);
    });
  });

  describe('under top-p', () => {
    it.each([
      [1e-9, [1]],
      [0.49, [1]],
      [0.51, [0, 1]],
      [0.79, [0, 1]],
      [0.81, [0, 1, 3]],
      [0.96, [0, 1, 2, 3]],
      [1, [0, 1, 2, 3]],
    ])('of %d are the fewest whose probabilities reach it', (topP, ids) => {
      expect(idsOf(logitsOf(0.3, 0.5, 0.05, 0.15), { topP })).toEqual(ids);
    });

    it('of exactly the probability of the first token are only that', () => {
      expect(idsOf(Float32Array.of(0, 0), { topP: 0.5 })).toEqual([0]);
    });

    it('are at least one', () => {
      expect(idsOf(new Float32Array(100), { topP: Number.MIN_VALUE })).toHaveLength(1);
    });

    it('are the first of equally probable ones', () => {
      expect(idsOf(new Float32Array(10), { topP: 0.35 })).toEqual([0, 1, 2, 3]);
    });

    it('are the smallest set that reaches it, whatever the logits', () => {
      const random = new Seeded(2);
      for (let round = 0; round < 300; round++) {
        const logits = randomLogits(random, random.integer(1, 300));
        const topP = random.next();
        const all = candidatesOf(logits, {});
        const total = [...all.values()].reduce((sum, weight) => sum + weight, 0);
        const kept = candidatesOf(logits, { topP });
        const weights = [...kept.values()];
        const reached = weights.reduce((sum, weight) => sum + weight, 0);
        const least = Math.min(...weights);
        expect(reached).toBeGreaterThanOrEqual(topP * total * (1 - 1e-12));
        if (kept.size > 1) expect(reached - least).toBeLessThan(topP * total);
        for (const [id, weight] of all) if (!kept.has(id)) expect(weight).toBeLessThanOrEqual(least);
        for (const [id, weight] of kept) expect(weight).toBe(all.get(id));
      }
    });
  });

  describe('under min-p', () => {
    it.each([
      [0, [0, 1, 2, 3]],
      [0.09, [0, 1, 2, 3]],
      [0.11, [0, 1, 2]],
      [0.5, [0, 1]],
      [0.9, [1]],
      [1, [1]],
    ])('of %d are those at least that probable, relative to the most probable', (minP, ids) => {
      expect(idsOf(logitsOf(0.3, 0.5, 0.15, 0.05), { minP })).toEqual(ids);
    });
  });

  describe('under a temperature', () => {
    it.each([0.1, 0.5, 2, 10])('of %d have their logits divided by it', (temperature) => {
      const weights = candidatesOf(Float32Array.of(0.5, 2, -1), { temperature });
      expect(Math.log((weights.get(0) ?? NaN) / (weights.get(1) ?? NaN))).toBeCloseTo(-1.5 / temperature, 6);
      expect(Math.log((weights.get(2) ?? NaN) / (weights.get(1) ?? NaN))).toBeCloseTo(-3 / temperature, 6);
    });

    it('close to 0 leave all weight to the most probable', () => {
      const weights = candidatesOf(Float32Array.of(1, 1.001, 0.5), { temperature: 1e-9 });
      expect([...weights.values()]).toEqual([0, 1, 0]);
    });
  });

  describe('in the order temperature, top-k, top-p, min-p', () => {
    it('have temperature before top-p: heat widens the nucleus', () => {
      const logits = logitsOf(0.64, 0.16, 0.1, 0.1);
      expect(idsOf(logits, { topP: 0.6 })).toEqual([0]);
      expect(idsOf(logits, { topP: 0.6, temperature: 2 })).toEqual([0, 1]);
    });

    it('have temperature before min-p: heat lets more pass', () => {
      const logits = logitsOf(0.8, 0.05, 0.15);
      expect(idsOf(logits, { minP: 0.2 })).toEqual([0]);
      expect(idsOf(logits, { minP: 0.2, temperature: 2 })).toEqual([0, 1, 2]);
    });

    it('have top-k before top-p: the probability of what is cut off goes to the rest', () => {
      // Of the first two, the first has 0.57; of all, it has 0.4.
      expect(idsOf(logitsOf(0.4, 0.3, 0.2, 0.1), { topK: 2, topP: 0.55 })).toEqual([0]);
    });

    it('have top-p before min-p: what min-p cuts off still counts for the nucleus', () => {
      // The other way round, 0.5 of 0.8 would reach 0.6.
      expect(idsOf(logitsOf(0.5, 0.3, 0.2), { topP: 0.6, minP: 0.5 })).toEqual([0, 1]);
    });
  });
});

describe('greedy choice', () => {
  it('takes the most probable token', () => {
    expect(new Sampler(GREEDY, []).next(Float32Array.of(1, -2, 5, 4))).toBe(2);
  });

  it('takes the first of several that are the most probable', () => {
    expect(argmax(Float32Array.of(1, 3, 2, 3, 3))).toBe(1);
    expect(argmax(new Float32Array(5))).toBe(0);
  });

  it('works when most tokens are impossible', () => {
    expect(argmax(Float32Array.of(-Infinity, -Infinity, -5, -Infinity))).toBe(2);
  });

  it('ignores temperature, top-k, top-p and min-p', () => {
    const sampler = new Sampler({ ...GREEDY, temperature: 100, topK: 1, topP: 0.01, minP: 1 }, [], 1);
    expect(sampler.next(Float32Array.of(1, 1.0001, 1))).toBe(1);
  });
});

describe('the repetition penalty', () => {
  const penalty = { ...GREEDY, repetitionPenalty: 2 };

  it('divides positive logits of tokens of the prompt', () => {
    const logits = Float32Array.of(3, 1, 1);
    new Sampler(penalty, [0]).next(logits);
    expect([...logits]).toEqual([1.5, 1, 1]);
  });

  it('multiplies negative logits of tokens of the prompt', () => {
    const logits = Float32Array.of(-1, -1.5);
    expect(new Sampler(penalty, [0]).next(logits)).toBe(1);
    expect([...logits]).toEqual([-2, -1.5]);
  });

  it('leaves a logit of 0 as it is', () => {
    const logits = Float32Array.of(0, -1);
    expect(new Sampler(penalty, [0]).next(logits)).toBe(0);
  });

  it('applies to tokens of the answer as well', () => {
    const sampler = new Sampler(penalty, []);
    const choices = Array.from({ length: 3 }, () => sampler.next(Float32Array.of(3, 2, 1.2)));
    // 3, then 1.5 < 2, then 1.5 > 1 and > 1.2
    expect(choices).toEqual([0, 1, 0]);
  });

  it('applies once to a token, however often it appeared', () => {
    const logits = Float32Array.of(8, 1);
    new Sampler(penalty, [0, 0, 0]).next(logits);
    expect(logits[0]).toBe(4);
    const sampler = new Sampler(penalty, [0]);
    for (let i = 0; i < 3; i++) sampler.next(Float32Array.of(8, 1));
    const later = Float32Array.of(8, 1);
    sampler.next(later);
    expect(later[0]).toBe(4);
  });

  it('below 1 makes repetition more likely', () => {
    expect(new Sampler({ ...GREEDY, repetitionPenalty: 0.5 }, [1]).next(Float32Array.of(3, 2))).toBe(1);
  });

  it('applies before the temperature and the cuts, when tokens are drawn', () => {
    const sampler = new Sampler({ ...OPEN, topK: 1, repetitionPenalty: 2 }, [0], 1);
    expect(sampler.next(Float32Array.of(3, 2, 1))).toBe(1);
  });

  it('of 1 changes nothing', () => {
    const logits = Float32Array.of(3, 2);
    const sampler = new Sampler(GREEDY, [0, 1]);
    sampler.next(logits);
    sampler.next(logits);
    expect([...logits]).toEqual([3, 2]);
  });

  it('takes prompts as typed arrays too', () => {
    expect(new Sampler(penalty, Int32Array.of(0)).next(Float32Array.of(3, 2))).toBe(1);
  });
});

describe('drawn tokens', () => {
  const DRAWS = 20_000;

  function draw(logits: Float32Array, parameters: Partial<SamplingParameters>, seed: number): number[] {
    const sampler = new Sampler({ ...OPEN, ...parameters }, [], seed);
    return Array.from({ length: DRAWS }, () => sampler.next(logits.slice()));
  }

  function count(draws: readonly number[], length: number): number[] {
    const counts = new Array<number>(length).fill(0);
    for (const id of draws) counts[id]++;
    return counts;
  }

  function softmax(logits: readonly number[], temperature: number): number[] {
    const weights = logits.map((logit) => Math.exp(logit / temperature));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return weights.map((weight) => weight / total);
  }

  it.each([
    [1, 1],
    [0.7, 2],
    [1.8, 3],
  ])('appear as often as softmax says, at temperature %d', (temperature, seed) => {
    const logits = [1.2, -0.5, 0, 2.1, -2, 0.9, 1.9, -1];
    const counts = count(draw(Float32Array.from(logits), { temperature }, seed), logits.length);
    expect(chiSquare(counts, softmax(logits, temperature))).toBeLessThan(chiSquareLimit(logits.length - 1));
  });

  it('share the probability of what the cuts took away', () => {
    const counts = count(draw(logitsOf(0.4, 0.1, 0.3, 0.2), { topK: 3, topP: 0.7 }, 4), 4);
    // Top-k leaves 0.4, 0.3 and 0.2; of these, the first two reach 0.7.
    expect([counts[1], counts[3]]).toEqual([0, 0]);
    expect(chiSquare([counts[0], counts[2]], [4 / 7, 3 / 7])).toBeLessThan(chiSquareLimit(1));
  });

  it('are never impossible ones', () => {
    const counts = count(draw(Float32Array.of(-Infinity, 0, -Infinity, 1, -Infinity), {}, 5), 5);
    expect([counts[0], counts[2], counts[4]]).toEqual([0, 0, 0]);
  });

  it('are the same with the same seed', () => {
    const logits = logitsOf(0.25, 0.25, 0.25, 0.25);
    expect(draw(logits, {}, 6)).toEqual(draw(logits, {}, 6));
  });

  it('differ with another seed', () => {
    const logits = logitsOf(0.25, 0.25, 0.25, 0.25);
    expect(draw(logits, {}, 6)).not.toEqual(draw(logits, {}, 7));
  });

  it('are the most probable one when only that is left', () => {
    const logits = Float32Array.of(0, 0.1, 0.05);
    for (const only of [{ topK: 1 }, { topP: 1e-9 }, { minP: 1 }, { temperature: 1e-9 }]) {
      expect(new Set(draw(logits, only, 8))).toEqual(new Set([1]));
    }
  });
});
