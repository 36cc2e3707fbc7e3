import {
  DEFAULT_SAMPLING,
  resolveSampling,
  type SamplingParameters,
} from '../../../src/engine/sampling/sampling-parameters.js';

const SAMPLES: SamplingParameters = {
  doSample: true,
  logitBias: new Map([[3, -1]]),
  repetitionPenalty: 1.1,
  frequencyPenalty: 0.2,
  presencePenalty: 0.3,
  temperature: 0.6,
  topK: 20,
  topP: 0.95,
  minP: 0.01,
  typicalP: 0.9,
};
const GREEDY: SamplingParameters = { ...SAMPLES, doSample: false };

describe('the sampling of a request', () => {
  it.each([
    ['samples', SAMPLES],
    ['is greedy', GREEDY],
  ])('is that of a model that %s when it asks for nothing', (_, defaults) => {
    expect(resolveSampling({}, defaults)).toEqual(defaults);
  });

  it.each([{ temperature: 0.9 }, { topK: 5 }, { topP: 0.5 }, { minP: 0.1 }, { typicalP: 0.9 }])(
    'samples on a greedy model when it asks for %j, with the rest as the model has it',
    (request) => {
      expect(resolveSampling(request, GREEDY)).toEqual({ ...GREEDY, ...request, doSample: true });
    },
  );

  it.each([
    { repetitionPenalty: 1.3 },
    { frequencyPenalty: 1 },
    { presencePenalty: -1 },
    { logitBias: new Map([[1, 5]]) },
  ])('stays greedy when it asks only for %j', (request) => {
    expect(resolveSampling(request, GREEDY)).toEqual({ ...GREEDY, ...request });
  });

  it('replaces only what it asks for on a model that samples', () => {
    expect(resolveSampling({ topP: 0.5, repetitionPenalty: 1 }, SAMPLES)).toEqual({
      ...SAMPLES,
      topP: 0.5,
      repetitionPenalty: 1,
    });
  });

  it.each([
    [SAMPLES, { temperature: 0 }],
    [SAMPLES, { temperature: 0, topP: 0.5, topK: 3, minP: 0.2 }],
    [GREEDY, { temperature: 0 }],
    [GREEDY, { temperature: 0, topP: 0.5 }],
  ])('is greedy at temperature 0, whatever else is asked for (%#)', (defaults, request) => {
    expect(resolveSampling(request, defaults).doSample).toBe(false);
  });

  it('never leaves a temperature of 0 to divide by', () => {
    expect(resolveSampling({ temperature: 0 }, SAMPLES).temperature).toBe(1);
  });

  it('keeps the repetition penalty at temperature 0', () => {
    expect(resolveSampling({ temperature: 0 }, SAMPLES).repetitionPenalty).toBe(1.1);
  });

  it('may switch top-k and min-p off with 0', () => {
    expect(resolveSampling({ topK: 0, minP: 0 }, SAMPLES)).toMatchObject({ topK: 0, minP: 0, doSample: true });
  });

  it('takes a parameter that is undefined as not asked for', () => {
    const request = { temperature: undefined, topK: undefined, topP: undefined, minP: undefined };
    expect(resolveSampling(request, GREEDY)).toEqual(GREEDY);
  });
});

describe('the defaults of transformers', () => {
  it('are greedy, with a top-k of 50 for who samples', () => {
    expect(DEFAULT_SAMPLING).toEqual({
      doSample: false,
      logitBias: new Map(),
      repetitionPenalty: 1,
      frequencyPenalty: 0,
      presencePenalty: 0,
      temperature: 1,
      topK: 50,
      topP: 1,
      minP: 0,
      typicalP: 1,
    });
  });
});
