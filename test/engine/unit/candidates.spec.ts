import { Candidates } from '../../../src/engine/sampling/candidates.js';
import { DEFAULT_SAMPLING, type SamplingParameters } from '../../../src/engine/sampling/sampling-parameters.js';
import { engineErrorOf } from './support/engine-error.js';
import { Seeded } from './support/seeded.js';

/** Everything is a candidate, unless a test says otherwise. */
const OPEN: SamplingParameters = { ...DEFAULT_SAMPLING, doSample: true, topK: 0 };

/** Used again and again, as a thread does. */
const shared = new Candidates();

/** Logits whose softmax is these probabilities. */
function logitsOf(...probabilities: readonly number[]): Float32Array {
  return Float32Array.from(probabilities, (probability) => Math.log(probability));
}

function candidatesOf(logits: Float32Array, parameters: Partial<SamplingParameters>): Map<number, number> {
  shared.select(logits, { ...OPEN, ...parameters });
  const { ids, weights, count } = shared;
  return new Map(Array.from(ids.subarray(0, count), (id, i) => [id, weights[i]]));
}

function idsOf(logits: Float32Array, parameters: Partial<SamplingParameters>): number[] {
  return [...candidatesOf(logits, parameters).keys()].sort((a, b) => a - b);
}

function randomLogits(random: Seeded, length: number): Float32Array {
  return Float32Array.from({ length }, () => 12 * random.next() - 6);
}

describe('the tokens with the k largest logits', () => {
  /** The smallest of their logits. */
  function kthLargest(values: Float32Array, k: number): number {
    shared.gather(values, k);
    return Math.min(...shared.weights.subarray(0, shared.count));
  }

  it.each([
    [[3, 1, 2], 1, 3],
    [[3, 1, 2], 2, 2],
    [[3, 1, 2], 3, 1],
    [[5, 5, 5, 1], 3, 5],
    [[-1, -3, -2], 2, -2],
    [[0], 1, 0],
    [[-Infinity, 2, -Infinity], 2, -Infinity],
  ])('of %j, k = %i, go down to %d', (values, k, expected) => {
    expect(kthLargest(Float32Array.from(values), k)).toBe(expected);
  });

  it.each([
    ['few', 1, 200],
    ['thousands', 1_500, 3_000],
  ])('of %s go down to the one at that place when they are sorted', (_, least, most) => {
    const random = new Seeded(1);
    for (let round = 0; round < 300; round++) {
      const length = random.integer(least, most);
      // Few different values, so that there are ties; and as many as there are places.
      const range = random.pick([3, 50, 1_000_000]);
      const values = Float32Array.from({ length }, () => random.integer(-range, range));
      const k = random.integer(1, length);
      expect(kthLargest(values, k)).toBe(values.slice().sort().reverse()[k - 1]);
    }
  });

  it.each([
    ['rising', (i: number) => i],
    ['falling', (i: number) => -i],
    ['all the same', () => 1],
  ])('are found in logits that are %s', (_, logit) => {
    const values = Float32Array.from({ length: 5_000 }, (_unused, i) => logit(i));
    for (const k of [1, 50, 1_024, 1_025, 4_999, 5_000]) {
      expect(kthLargest(values, k)).toBe(values.slice().sort().reverse()[k - 1]);
    }
  });

  it('are found without changing the logits', () => {
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

    it('may be more than a thousand', () => {
      const logits = Float32Array.from({ length: 5_000 }, (_, i) => (i * 7_919) % 5_000);
      const expected = [...logits.keys()].filter((i) => logits[i] >= 3_000);
      expect(idsOf(logits, { topK: 2_000, temperature: 1_000 })).toEqual(expected);
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
      // What a thread makes of it that takes subnormal numbers for zero.
      expect(idsOf(new Float32Array(100), { topP: 0 })).toHaveLength(1);
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
      expect([...weights]).toEqual([[1, 1]]);
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

  it('leave out what has no weight to speak of, and nothing else', () => {
    const kept = 50 * Math.LN2 - 0.001;
    expect(idsOf(Float32Array.of(0, -kept, -kept - 0.002), {})).toEqual([0, 1]);
    expect(idsOf(Float32Array.of(0, -2 * kept, -2 * kept - 0.004), { temperature: 2 })).toEqual([0, 1]);
  });

  it('weigh what softmax says, to the last bit that matters', () => {
    const random = new Seeded(3);
    for (let round = 0; round < 100; round++) {
      const logits = Float32Array.from({ length: 100 }, () => 34 * random.next());
      const highest = Math.max(...logits);
      for (const [id, weight] of candidatesOf(logits, {})) {
        expect(weight / Math.exp(logits[id] - highest)).toBeCloseTo(1, 11);
      }
    }
  });

  describe('that are typical', () => {
    /** By sorting, as transformers does. */
    function typicalIds(logits: Float32Array, typicalP: number): number[] {
      const weights = Array.from(logits, (logit) => Math.exp(logit));
      const total = weights.reduce((a, b) => a + b);
      const probabilities = weights.map((weight) => weight / total);
      const entropy = probabilities.reduce((sum, p) => sum - p * Math.log(p), 0);
      const distances = probabilities.map((p) => Math.abs(-Math.log(p) - entropy));
      const order = [...probabilities.keys()].sort((a, b) => distances[a] - distances[b]);
      let sum = 0;
      const last = order.find((id) => (sum += probabilities[id]) >= typicalP) ?? order[order.length - 1];
      return [...probabilities.keys()].filter((id) => distances[id] <= distances[last]);
    }

    it('are those of a sorted distribution, of any size', () => {
      const random = new Seeded(11);
      for (let round = 0; round < 300; round++) {
        const logits = randomLogits(random, 1 + Math.floor(200 * random.next()));
        const typicalP = 0.02 + 0.97 * random.next();
        expect(idsOf(logits, { typicalP })).toEqual(typicalIds(logits, typicalP));
      }
    });

    it('may leave out the most probable token', () => {
      expect(idsOf(logitsOf(0.6, 0.1, 0.1, 0.1, 0.1), { typicalP: 0.3 })).toEqual([0]);
      expect(idsOf(logitsOf(0.4, 0.15, 0.15, 0.15, 0.15), { typicalP: 0.3 })).toEqual([1, 2, 3, 4]);
    });

    it('are never none', () => {
      expect(idsOf(logitsOf(0.5, 0.3, 0.2), { typicalP: 5e-324 })).toHaveLength(1);
      expect(idsOf(new Float32Array(7), { typicalP: 5e-324 })).toHaveLength(7);
    });
  });

  it('do not depend on those of the call before', () => {
    const [few, many] = [Float32Array.of(1, 2, 3), randomLogits(new Seeded(4), 100)];
    const fresh = new Candidates();
    fresh.select(few, { ...OPEN, topP: 0.8 });
    candidatesOf(many, { topK: 20, topP: 0.9, minP: 0.01 });
    expect(idsOf(few, { topP: 0.8 })).toEqual([...fresh.ids.subarray(0, fresh.count)]);
  });

  it.each([
    ['is not a number', [1, 2, NaN, 0], /token 2 is not a number/],
    ['is not a number, the first', [NaN, 2, 3, 0], /token 0 is not a number/],
    ['is infinite', [1, Infinity, 2, 0], /no token can be chosen/],
  ])('are none when a logit %s', (_, logits, message) => {
    for (const parameters of [{}, { topK: 2 }, { topP: 0.5 }, { minP: 0.5 }]) {
      const error = engineErrorOf(() => candidatesOf(Float32Array.from(logits), parameters));
      expect(error.code).toBe('runtime_failed');
      expect(error.message).toMatch(message);
    }
  });

  it('are none when all tokens are impossible', () => {
    const logits = new Float32Array(5).fill(-Infinity);
    for (const parameters of [{}, { topK: 2 }]) {
      expect(engineErrorOf(() => candidatesOf(logits, parameters)).code).toBe('runtime_failed');
    }
  });
});
