import { checkRequest } from '../../../src/engine/request-check.js';
import type { GenerationRequest } from '../../../src/engine/types.js';
import { engineErrorOf } from './support/engine-error.js';

const VOCAB_SIZE = 100;

function check(request: Omit<GenerationRequest, 'prompt'>): void {
  checkRequest({ prompt: { kind: 'text', text: 'hi' }, ...request }, VOCAB_SIZE);
}

const sampling = (name: string, value: unknown): [string, Omit<GenerationRequest, 'prompt'>] => [
  name,
  { sampling: { [name]: value } },
];
const bias = (id: number, value: number): [string, Omit<GenerationRequest, 'prompt'>] => [
  'logitBias',
  { sampling: { logitBias: new Map([[id, value]]) } },
];

describe('a request', () => {
  it.each<[string, Omit<GenerationRequest, 'prompt'>]>([
    ...[NaN, -0.1, Infinity].map((value) => sampling('temperature', value)),
    ...[NaN, -1, 0.5, Infinity].map((value) => sampling('topK', value)),
    ...[NaN, 0, -0.1, 1.01].map((value) => sampling('topP', value)),
    ...[NaN, -0.1, 1.01].map((value) => sampling('minP', value)),
    ...[NaN, 0, 1.01].map((value) => sampling('typicalP', value)),
    ...[NaN, 0, -1, Infinity].map((value) => sampling('repetitionPenalty', value)),
    ...[NaN, -2.1, 2.1].map((value) => sampling('presencePenalty', value)),
    ...[NaN, -2.1, 2.1].map((value) => sampling('frequencyPenalty', value)),
    bias(1, NaN),
    bias(1, 100.5),
    bias(1, -101),
    bias(-1, 0),
    bias(VOCAB_SIZE, 0),
    bias(0.5, 0),
    ...[NaN, 0, -1, 1.5].map((value): [string, object] => ['maxNewTokens', { maxNewTokens: value }]),
    ...[NaN, -1, 1.5, 11].map((value): [string, object] => ['minTokens', { maxNewTokens: 10, minTokens: value }]),
    ...[NaN, 0.5, 2 ** 53].map((value): [string, object] => ['seed', { seed: value }]),
    ...[NaN, -1, 0.5, 21].map((value): [string, object] => ['logprobs', { logprobs: value }]),
    ...[NaN, -1, 0.5, 21].map((value): [string, object] => ['promptLogprobs', { promptLogprobs: value }]),
    ...[NaN, -1, 0.5, VOCAB_SIZE].map((value): [string, object] => ['stopTokenIds', { stopTokenIds: [1, value] }]),
  ])('is refused, with the name of what is wrong: %s in %j', (name, request) => {
    const { code, message } = engineErrorOf(() => check(request));
    expect(code).toBe('request_invalid');
    expect(message).toContain(name);
    expect(message).toContain('must be');
  });

  it('is told the value and what is allowed', () => {
    expect(engineErrorOf(() => check({ sampling: { topP: 1.5 } })).message).toBe(
      'topP is 1.5, but must be above 0 and at most 1',
    );
    expect(engineErrorOf(() => check({ minTokens: 9, maxNewTokens: 5 })).message).toBe(
      'minTokens is 9, but must be a whole number from 0 to 5',
    );
  });

  it.each<Omit<GenerationRequest, 'prompt'>>([
    {},
    { sampling: { temperature: 0, topK: 0, topP: 1, minP: 0, repetitionPenalty: 0.01 } },
    { sampling: { temperature: 100, topK: 1_000_000, topP: 1e-9, minP: 1, repetitionPenalty: 100 } },
    { sampling: { presencePenalty: -2, frequencyPenalty: 2, logitBias: new Map() } },
    {
      sampling: {
        logitBias: new Map([
          [0, -100],
          [VOCAB_SIZE - 1, 100],
        ]),
      },
    },
    { maxNewTokens: 1, minTokens: 1, seed: -5, logprobs: 0, promptLogprobs: 20, stopTokenIds: [] },
    { minTokens: 5_000, seed: 2 ** 53 - 1, logprobs: 20, stopTokenIds: [0, VOCAB_SIZE - 1] },
  ])('is accepted at the limits of what is allowed (%#)', (request) => {
    expect(() => check(request)).not.toThrow();
  });
});
