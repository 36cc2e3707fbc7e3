import { join } from 'node:path';
import { Candidates } from '../../../src/engine/sampling/candidates.js';
import { LogProbabilities } from '../../../src/engine/sampling/log-probabilities.js';
import { Sampler } from '../../../src/engine/sampling/sampler.js';
import { DEFAULT_SAMPLING, type SamplingParameters } from '../../../src/engine/sampling/sampling-parameters.js';
import { readJson, ROOT } from '../../support/folders.js';
import { chiSquare, chiSquareLimit } from './support/chi-square.js';

/** What `make_golden.py` wrote beside it. */
interface SamplingGolden {
  readonly prompt: readonly number[];
  readonly answer: readonly number[];
  readonly eos: readonly number[];
  readonly cases: readonly GoldenCase[];
}

interface GoldenCase {
  readonly parameters: Omit<Partial<SamplingParameters>, 'logitBias'> & {
    readonly logitBias?: readonly (readonly [number, number])[];
    readonly minTokens?: number;
  };
  readonly logits: readonly number[];
  /** Pairs of token and probability, of those that can be drawn. */
  readonly probabilities: readonly (readonly [number, number])[];
  readonly logprobs: readonly number[];
}

const golden = readJson(join(ROOT, 'test/fixtures/sampling/golden.json')) as SamplingGolden;
const cases = golden.cases.map((given, i) => ({ ...given, i, name: JSON.stringify(given.parameters) }));
const DRAWS = 10_000;

/** The token that follows the golden answer. */
function draw({ parameters, logits }: GoldenCase, candidates: Candidates, seed: number): number {
  const { logitBias, minTokens = 0, ...rest } = parameters;
  const sampling = { ...DEFAULT_SAMPLING, topK: 0, ...rest, doSample: true, logitBias: new Map(logitBias) };
  const sampler = new Sampler(sampling, golden.prompt, seed, candidates);
  for (const token of golden.answer) {
    const only = new Float32Array(logits.length).fill(-Infinity);
    only[token] = 0;
    sampler.next(only);
  }
  return sampler.next(Float32Array.from(logits), golden.answer.length < minTokens ? golden.eos : []);
}

describe('the distribution of the next token', () => {
  it.each(cases)('is that of transformers with $name', (given) => {
    const candidates = new Candidates();
    draw(given, candidates, 1);
    const ids = candidates.ids.subarray(0, candidates.count);
    const weights = candidates.weights.subarray(0, candidates.count);
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    expect([...ids]).toEqual(given.probabilities.map(([id]) => id));
    given.probabilities.forEach(([, probability], i) => expect(weights[i] / total).toBeCloseTo(probability, 5));
  });

  it.each(cases)('is what 10,000 seeds draw from, with $name', (given) => {
    const candidates = new Candidates();
    const counts = new Map(given.probabilities.map(([id]) => [id, 0]));
    for (let i = 0; i < DRAWS; i++) {
      const token = draw(given, candidates, given.i * DRAWS + i);
      const count = counts.get(token);
      if (count === undefined) throw new Error(`token ${token} cannot be drawn`);
      counts.set(token, count + 1);
    }
    // The statistic is only good for tokens that are to be expected; the others together are one more.
    const expected = given.probabilities.filter(([, probability]) => probability * DRAWS >= 5);
    const [seen, probabilities] = [
      expected.map(([id]) => counts.get(id) as number),
      expected.map(([, probability]) => probability),
    ];
    const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
    const rest = 1 - sum(probabilities);
    if (rest * DRAWS >= 5) {
      seen.push(DRAWS - sum(seen));
      probabilities.push(rest);
    }
    if (seen.length === 1) expect(seen[0]).toBeGreaterThan(DRAWS - 10);
    else expect(chiSquare(seen, probabilities)).toBeLessThan(chiSquareLimit(seen.length - 1));
  });
});

describe('log probabilities', () => {
  it.each(cases)("are torch's log-softmax of the logits, case $i", ({ logits, logprobs }) => {
    const described = new LogProbabilities(new Candidates());
    described.capture(Float32Array.from(logits));
    const order = [...logprobs.keys()].sort((a, b) => logprobs[b] - logprobs[a]);
    for (const token of [order[0], order[47], 17]) {
      const { logprob, top, ...rest } = described.of(token, 20);
      expect(rest).toEqual({ token });
      expect(logprob).toBeCloseTo(logprobs[token], 5);
      expect(top.map((other) => other.token)).toEqual(order.slice(0, 20));
      for (const other of top) expect(other.logprob).toBeCloseTo(logprobs[other.token], 5);
    }
  });
});
