import { DEFAULT_SAMPLING, type SamplingParameters } from '../../../src/engine/sampling/sampling-parameters.js';
import { Candidates } from '../../../src/engine/sampling/candidates.js';
import { Sampler } from '../../../src/engine/sampling/sampler.js';
import { chiSquare, chiSquareLimit } from './support/chi-square.js';
import { engineErrorOf } from './support/engine-error.js';

/** Everything that is drawn from, unless a test says otherwise. */
const OPEN: SamplingParameters = { ...DEFAULT_SAMPLING, doSample: true, topK: 0 };
const GREEDY: SamplingParameters = { ...OPEN, doSample: false };

/** Logits whose softmax is these probabilities. */
function logitsOf(...probabilities: readonly number[]): Float32Array {
  return Float32Array.from(probabilities, (probability) => Math.log(probability));
}

describe('greedy choice', () => {
  it('takes the most probable token', () => {
    expect(new Sampler(GREEDY, []).next(Float32Array.of(1, -2, 5, 4))).toBe(2);
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

describe('frequency and presence penalty', () => {
  /** The logits after a sampler chose these tokens, from logits that left no doubt. */
  function logitsAfter(tokens: readonly number[], parameters: Partial<SamplingParameters>, prompt: number[] = []) {
    const sampler = new Sampler({ ...GREEDY, ...parameters }, prompt);
    for (const token of tokens) {
      const logits = new Float32Array(4).fill(-1e6);
      logits[token] = 1e6;
      expect(sampler.next(logits)).toBe(token);
    }
    const logits = Float32Array.of(1, 2, 3, -4);
    sampler.next(logits);
    return [...logits];
  }

  it('take a frequency penalty as often as the answer has the token', () => {
    expect(logitsAfter([0, 0, 3], { frequencyPenalty: 0.5 })).toEqual([0, 2, 3, -4.5]);
  });

  it('take a presence penalty once', () => {
    expect(logitsAfter([0, 0, 3], { presencePenalty: 0.5 })).toEqual([0.5, 2, 3, -4.5]);
  });

  it('add up', () => {
    expect(logitsAfter([1, 1], { presencePenalty: 0.5, frequencyPenalty: 0.25 })).toEqual([1, 1, 3, -4]);
  });

  it('make repetition more likely when they are negative', () => {
    expect(logitsAfter([0, 0], { presencePenalty: -1, frequencyPenalty: -1 })).toEqual([4, 2, 3, -4]);
  });

  it('are not about the prompt', () => {
    expect(logitsAfter([], { presencePenalty: 2, frequencyPenalty: 2 }, [0, 1])).toEqual([1, 2, 3, -4]);
  });

  it('come after the repetition penalty, which is about the prompt as well', () => {
    const parameters = { repetitionPenalty: 2, presencePenalty: 0.5, frequencyPenalty: 0.25 };
    expect(logitsAfter([0], parameters, [1, 1, 0, 3])).toEqual([-0.25, 1, 3, -8]);
  });
});

describe('the bias of a token', () => {
  it('is added to its logit', () => {
    const logits = Float32Array.of(1, 2, 3);
    const logitBias = new Map([
      [0, 5],
      [2, -1.5],
    ]);
    expect(new Sampler({ ...GREEDY, logitBias }, []).next(logits)).toBe(0);
    expect([...logits]).toEqual([6, 2, 1.5]);
  });

  it('comes before the penalties', () => {
    const logits = Float32Array.of(1, 2);
    new Sampler({ ...GREEDY, repetitionPenalty: 2, logitBias: new Map([[0, 3]]) }, [0]).next(logits);
    expect([...logits]).toEqual([2, 2]);
  });

  it('of 100 as good as enforces it, and of -100 as good as bans it', () => {
    const draw = (bias: number): Set<number> => {
      const sampler = new Sampler({ ...OPEN, logitBias: new Map([[1, bias]]) }, [], 1);
      return new Set(Array.from({ length: 1_000 }, () => sampler.next(Float32Array.of(5, 2, 1))));
    };
    expect(draw(100)).toEqual(new Set([1]));
    expect(draw(-100)).toEqual(new Set([0, 2]));
  });
});

describe('forbidden tokens', () => {
  it('are not taken though they are the most probable', () => {
    expect(new Sampler(GREEDY, []).next(Float32Array.of(1, 5, 3, 2), [1, 2])).toBe(3);
  });

  it('are never drawn, and leave their probability to the others', () => {
    const sampler = new Sampler({ ...OPEN, repetitionPenalty: 1.5 }, [0, 1, 2, 3], 2);
    const draws = Array.from({ length: 500 }, () => sampler.next(Float32Array.of(-1, -1, 9, -1), [2]));
    expect(new Set(draws)).toEqual(new Set([0, 1, 3]));
  });

  it('may be ids beyond the vocabulary', () => {
    expect(new Sampler(GREEDY, []).next(Float32Array.of(1, 5), [9])).toBe(1);
  });

  it('leave an error when they are all', () => {
    expect(engineErrorOf(() => new Sampler(GREEDY, []).next(Float32Array.of(1, 2), [0, 1])).code).toBe(
      'runtime_failed',
    );
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

  it('are the same whether or not the sampler shares its memory', () => {
    const memory = new Candidates();
    const [one, two] = [1, 2].map((seed) => new Sampler({ ...OPEN, topK: 3, topP: 0.9 }, [], seed, memory));
    const alone = new Sampler({ ...OPEN, topK: 3, topP: 0.9 }, [], 1);
    const logits = logitsOf(0.2, 0.3, 0.1, 0.4);
    for (let i = 0; i < 200; i++) {
      expect(one.next(logits.slice())).toBe(alone.next(logits.slice()));
      two.next(logits.slice());
    }
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
