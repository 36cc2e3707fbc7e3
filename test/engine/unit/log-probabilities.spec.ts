import { Candidates } from '../../../src/engine/sampling/candidates.js';
import { LogProbabilities, type IdLogprobs } from '../../../src/engine/sampling/log-probabilities.js';
import { engineErrorOf } from './support/engine-error.js';
import { Seeded } from './support/seeded.js';

function describeToken(logits: readonly number[], token: number, top: number): IdLogprobs {
  const logProbabilities = new LogProbabilities(new Candidates());
  logProbabilities.capture(Float32Array.from(logits));
  return logProbabilities.of(token, top);
}

describe('the log probability of a token', () => {
  it.each([0, 1, 2])('is the logarithm of its softmax: token %i', (token) => {
    const probabilities = [0.5, 0.2, 0.3];
    const { logprob } = describeToken(probabilities.map(Math.log), token, 0);
    expect(logprob).toBeCloseTo(Math.log(probabilities[token]), 6);
  });

  it('does not depend on a constant in all logits, even a large one', () => {
    expect(describeToken([1000, 1000], 1, 0).logprob).toBeCloseTo(-Math.LN2, 9);
    expect(describeToken([-1000, -1000], 1, 0).logprob).toBeCloseTo(-Math.LN2, 9);
  });

  it('is −Infinity for an impossible one', () => {
    expect(describeToken([0, -Infinity], 1, 0).logprob).toBe(-Infinity);
  });

  it('is that of the logits that were captured, whatever became of them', () => {
    const logProbabilities = new LogProbabilities(new Candidates());
    const logits = Float32Array.of(0, 0);
    logProbabilities.capture(logits);
    logits.fill(7, 0, 1);
    expect(logProbabilities.of(0, 0).logprob).toBeCloseTo(-Math.LN2, 9);
  });

  it('adds up to 1 with all others', () => {
    const random = new Seeded(1);
    for (let round = 0; round < 50; round++) {
      const logits = random.list(random.integer(1, 20), () => 80 * random.next());
      const { top } = describeToken(logits, 0, 20);
      expect(top).toHaveLength(logits.length);
      expect(top.reduce((sum, { logprob }) => sum + Math.exp(logprob), 0)).toBeCloseTo(1, 9);
    }
  });

  it('does not exist among logits that are no numbers', () => {
    expect(engineErrorOf(() => describeToken([1, NaN], 0, 1)).code).toBe('runtime_failed');
  });
});

describe('the most probable tokens', () => {
  it('are none unless asked for', () => {
    expect(describeToken([1, 2], 0, 0).top).toEqual([]);
  });

  it('come with the most probable first, the chosen one among them', () => {
    expect(describeToken([1, 4, 3, 2], 2, 2).top.map(({ token }) => token)).toEqual([1, 2]);
  });

  it('are the first of equally probable ones, and no more than asked for', () => {
    expect(describeToken([1, 2, 2, 0, 2, 2], 3, 3).top.map(({ token }) => token)).toEqual([1, 2, 4]);
  });

  it('are at most all tokens', () => {
    expect(describeToken([1, 2], 0, 20).top.map(({ token }) => token)).toEqual([1, 0]);
  });
});
