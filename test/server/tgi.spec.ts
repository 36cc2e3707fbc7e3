import {
  type GenerationEvent,
  type GenerationRequest,
  InferenceError,
  type InferenceErrorCode,
  type TokenLogprobs,
} from '../../src/inference/inference-provider.js';
import { TestApplication } from '../support/application.js';
import { parseEvents } from '../support/event-stream.js';
import { ScriptedProvider } from '../support/scripted-provider.js';

const EOS = 2;

function told(token: number, text: string, logprob = -1): TokenLogprobs {
  const bytes = [...Buffer.from(text)];
  const top = [
    { token, logprob, bytes },
    { token: 9, logprob: -Infinity, bytes: [63] },
  ];
  return { token, logprob, bytes, top };
}

const TIMINGS = { received: 10, queued: 11.6, started: 15, firstToken: 30, finished: 115 };
const FINISH = { type: 'finish', reason: 'eos', promptTokens: 3, cachedTokens: 0, newTokens: 4 } as const;
const EVENTS: readonly GenerationEvent[] = [
  { type: 'tokens', text: 'a', ids: [10], logprobs: [told(10, 'a')] },
  { type: 'tokens', text: 'b c', ids: [11, 12], texts: ['b', ' c'], logprobs: [told(11, 'b'), told(12, ' c')] },
  { type: 'tokens', text: '', ids: [EOS], logprobs: [told(EOS, '<eos>')], last: true },
  { ...FINISH, timings: TIMINGS },
];

/** Says what a test tells it to; of several answers, each its own. */
class TgiProvider extends ScriptedProvider {
  readonly requests: GenerationRequest[] = [];
  said: readonly (readonly GenerationEvent[])[] = [EVENTS];
  startError: Error | undefined;
  lateError: Error | undefined;

  constructor() {
    super({ id: 'org/fake', contextLength: 40, specialIds: [EOS] });
  }

  override async *generate(request: GenerationRequest): AsyncGenerator<GenerationEvent> {
    const events = this.said[this.requests.length % this.said.length];
    this.requests.push(request);
    if (this.startError) throw this.startError;
    yield await Promise.resolve({ type: 'start', promptTokens: 3 });
    for (const event of events) {
      if (event.type === 'finish' && this.lateError) throw this.lateError;
      yield event.type === 'tokens' ? { ...event, logprobs: event.logprobs?.map(cut(request.logprobs)) } : event;
    }
  }
}

/** As many of the most probable tokens as were asked for. */
function cut(count?: number): (logprobs: TokenLogprobs) => TokenLogprobs {
  return ({ top, ...chosen }) => ({ ...chosen, top: top.slice(0, count) });
}

let provider: TgiProvider;
let application: TestApplication;
beforeEach(async () => {
  provider = new TgiProvider();
  application = await TestApplication.ready(provider);
});
afterEach(() => application.close());

const ask = (parameters?: object, path = '/generate') => application.post(path, { inputs: 'hi', parameters });

async function json(response: Response): Promise<Record<string, unknown>> {
  return (await response.json()) as Record<string, unknown>;
}

async function details(parameters: object): Promise<Record<string, unknown>> {
  const response = await ask({ details: true, ...parameters });
  expect(response.status).toBe(200);
  return (await json(response)).details as Record<string, unknown>;
}

async function streamed(parameters?: object): Promise<Record<string, unknown>[]> {
  const response = await ask(parameters, '/generate_stream');
  expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
  return parseEvents(await response.text()).data.map((data) => JSON.parse(data) as Record<string, unknown>);
}

describe('an answer', () => {
  it('is an object on /generate, and a list of one on /', async () => {
    expect(await json(await ask())).toEqual({ generated_text: 'ab c' });
    expect(await json(await ask(undefined, '/'))).toEqual([{ generated_text: 'ab c' }]);
  });

  it('continues the text as it is', async () => {
    await ask();
    expect(provider.prompts[0]).toEqual({ kind: 'text', text: 'hi' });
  });

  it('begins with the prompt if asked to', async () => {
    expect(await json(await ask({ return_full_text: true }))).toEqual({ generated_text: 'hiab c' });
  });

  it('ends with the stop string that ended it', async () => {
    provider.said = [
      [
        { type: 'tokens', text: 'a', ids: [10], logprobs: [told(10, 'a')] },
        { type: 'tokens', text: 'b', ids: [11], logprobs: [told(11, 'bcd')], last: true },
        { ...FINISH, reason: 'stop_string', stopString: 'c', newTokens: 2 },
      ],
    ];
    const { generated_text, details: told_ } = (await json(await ask({ details: true, stop: ['c'] }))) as {
      generated_text: string;
      details: { finish_reason: string; tokens: { text: string }[] };
    };
    expect(generated_text).toBe('abc');
    expect(told_.finish_reason).toBe('stop_sequence');
    expect(told_.tokens.map(({ text }) => text)).toEqual(['a', 'bc']);
  });

  it('names parameters that nobody knows', async () => {
    const response = await application.post('/generate', { inputs: 'hi', x: 1, parameters: { y: 2 } });
    const warnings = ['x is not known here and was ignored', 'parameters.y is not known here and was ignored'];
    expect(response.headers.get('x-warnings')).toBe(warnings.map((warning) => `"${warning}"`).join(', '));
    expect(await json(response)).toEqual({ generated_text: 'ab c', warnings });
  });

  it('tells times and counts in headers', async () => {
    const { headers } = await ask();
    const named = Object.fromEntries([...headers].filter(([name]) => /^x-(compute|.*-t(ime|okens?)$)/.test(name)));
    expect(named).toEqual({
      'x-compute-type': 'cpu',
      'x-compute-characters': '2',
      'x-compute-time': expect.stringMatching(/^\d+(\.\d+)?$/) as unknown,
      'x-total-time': expect.stringMatching(/^\d+$/) as unknown,
      'x-validation-time': '2',
      'x-queue-time': '3',
      'x-inference-time': '100',
      'x-time-per-token': '25',
      'x-prompt-tokens': '3',
      'x-generated-tokens': '4',
    });
  });
});

describe('details', () => {
  it('have what text-generation-inference has', async () => {
    expect(await details({})).toEqual({
      finish_reason: 'eos_token',
      generated_tokens: 4,
      seed: null,
      prefill: [],
      tokens: [
        { id: 10, text: 'a', logprob: -1, special: false },
        { id: 11, text: 'b', logprob: -1, special: false },
        { id: 12, text: ' c', logprob: -1, special: false },
        { id: EOS, text: '<eos>', logprob: -1, special: true },
      ],
    });
  });

  it('have the most probable tokens if asked for, and null for what is impossible', async () => {
    const { top_tokens: top } = (await details({ top_n_tokens: 2 })) as { top_tokens: object[][] };
    expect(provider.requests[0].logprobs).toBe(2);
    expect(top).toHaveLength(4);
    expect(top[0]).toEqual([
      { id: 10, text: 'a', logprob: -1, special: false },
      { id: 9, text: '?', logprob: null, special: false },
    ]);
  });

  it('have the tokens of the prompt if asked for, the first without a probability', async () => {
    const [first, ...others] = EVENTS;
    provider.said = [
      [{ ...first, promptLogprobs: [told(6, 'x', -2), told(7, 'y', -3)] } as GenerationEvent, ...others],
    ];
    const response = await ask({ decoder_input_details: true });
    expect(((await json(response)).details as { prefill: object[] }).prefill).toEqual([
      { id: 5, text: '5', logprob: null },
      { id: 6, text: 'x', logprob: -2 },
      { id: 7, text: 'y', logprob: -3 },
    ]);
    expect(provider.requests[0].promptLogprobs).toBe(0);
  });

  it('have the seed when tokens are drawn, also one that the server chose', async () => {
    expect((await details({ do_sample: true, seed: 7 })).seed).toBe(7);
    const { seed } = await details({ do_sample: true });
    expect(seed).toEqual(expect.any(Number));
    expect(provider.requests.map((request) => request.seed)).toEqual([7, seed]);
  });

  it('have the answers that were less probable, each with its seed', async () => {
    const one = (text: string, logprob: number): GenerationEvent[] => [
      { type: 'tokens', text, ids: [10], logprobs: [told(10, text, logprob)], last: true },
      { ...FINISH, reason: 'length', newTokens: 1 },
    ];
    provider.said = [one('x', -2), one('y', -0.5), one('z', -1)];
    const response = await ask({ best_of: 3, do_sample: true, details: true, return_full_text: true });
    const body = (await json(response)) as { details: { best_of_sequences: Record<string, unknown>[] } };
    expect(body).toMatchObject({ generated_text: 'hiy', details: { finish_reason: 'length', prefill: [] } });
    expect(body.details.best_of_sequences.map(({ generated_text: text }) => text)).toEqual(['hix', 'hiz']);
    const seeds = provider.requests.map(({ seed }) => seed);
    expect(new Set(seeds).size).toBe(3);
    expect(body.details.best_of_sequences.map(({ seed }) => seed)).toEqual([seeds[0], seeds[2]]);
  });
});

describe('a stream', () => {
  it('has an event for each token, the last one with the text', async () => {
    const events = await streamed({ details: true, do_sample: true, seed: 3 });
    const empty = { generated_text: null, details: null };
    expect(events).toEqual([
      { index: 1, token: { id: 10, text: 'a', logprob: -1, special: false }, ...empty },
      { index: 2, token: { id: 11, text: 'b', logprob: -1, special: false }, ...empty },
      { index: 3, token: { id: 12, text: ' c', logprob: -1, special: false }, ...empty },
      {
        index: 4,
        token: { id: EOS, text: '<eos>', logprob: -1, special: true },
        generated_text: 'ab c',
        details: { finish_reason: 'eos_token', generated_tokens: 4, seed: 3, input_length: 3 },
      },
    ]);
  });

  it('also comes from /, when it is asked for', async () => {
    const response = await application.post('/', { inputs: 'hi', stream: true });
    expect(response.headers.get('x-compute-type')).toBe('cpu');
    expect(parseEvents(await response.text()).data).toHaveLength(4);
  });

  it('has no details unless they are asked for', async () => {
    expect((await streamed()).at(-1)).toMatchObject({ generated_text: 'ab c', details: null });
  });

  it('ends with an error that comes too late for a status', async () => {
    provider.lateError = new InferenceError('runtime_failed', 'the network broke');
    provider.said = [[EVENTS[0], FINISH]];
    expect((await streamed()).slice(1)).toEqual([
      { error: 'Request failed during generation: the network broke', error_type: 'generation' },
    ]);
    expect(application.logs.filter(({ msg }) => msg === 'request failed')).toHaveLength(1);
  });

  it.each([{ best_of: 2, do_sample: true }, { decoder_input_details: true }])('cannot have %j', async (parameters) => {
    const response = await ask(parameters, '/generate_stream');
    expect(response.status).toBe(422);
    expect(await json(response)).toEqual({
      error: `Input validation error: parameters.${Object.keys(parameters)[0]}: Not in a stream`,
      error_type: 'validation',
    });
  });
});

describe('sampling', () => {
  const OPEN = { temperature: 1, topK: 0, topP: 1, minP: 0, typicalP: 1 };
  const NO_PENALTIES = { repetitionPenalty: 1, frequencyPenalty: 0, presencePenalty: 0 };

  it.each([
    [undefined, { ...OPEN, ...NO_PENALTIES }],
    [{}, { temperature: 0, ...NO_PENALTIES }],
    [
      { do_sample: false, temperature: 1 },
      { temperature: 0, ...NO_PENALTIES },
    ],
    [{ do_sample: true }, { ...OPEN, ...NO_PENALTIES }],
    [{ temperature: 0.5 }, { ...OPEN, ...NO_PENALTIES, temperature: 0.5 }],
    [{ top_k: 3 }, { ...OPEN, ...NO_PENALTIES, topK: 3 }],
    [{ top_p: 0.5 }, { ...OPEN, ...NO_PENALTIES, topP: 0.5 }],
    [{ typical_p: 0.5 }, { ...OPEN, ...NO_PENALTIES, typicalP: 0.5 }],
    [
      { repetition_penalty: 1.2, frequency_penalty: 0.3 },
      { temperature: 0, ...NO_PENALTIES, repetitionPenalty: 1.2, frequencyPenalty: 0.3 },
    ],
  ])('of %j is %j', async (parameters, sampling) => {
    await ask(parameters);
    expect(provider.requests[0].sampling).toEqual(sampling);
  });
});

describe('a request', () => {
  it('has 100 tokens by default, or what fits', async () => {
    await ask();
    await ask({ max_new_tokens: 7, stop: 'x' });
    expect(provider.requests.map(({ maxNewTokens }) => maxNewTokens)).toEqual([37, 7]);
    expect(provider.requests[1].stop).toEqual(['x']);
  });

  it('may cut a prompt from the left', async () => {
    const response = await ask({ truncate: 2 });
    expect(provider.requests[0].prompt).toEqual({ kind: 'tokens', ids: [6, 7] });
    expect(response.headers.get('x-prompt-tokens')).toBe('2');
    await ask({ truncate: 99 });
    expect(provider.requests[1].prompt).toEqual({ kind: 'tokens', ids: [5, 6, 7] });
  });

  it.each([
    [
      { type: 'json', value: { type: 'object' } },
      { kind: 'json_schema', schema: { type: 'object' } },
    ],
    [
      { type: 'json', value: '{"type":"object"}' },
      { kind: 'json_schema', schema: { type: 'object' } },
    ],
    [
      { type: 'json_schema', value: { schema: { a: 1 } } },
      { kind: 'json_schema', schema: { a: 1 } },
    ],
    [
      { type: 'regex', value: 'a+' },
      { kind: 'regex', pattern: 'a+' },
    ],
  ])('with the grammar %j is one with %j', async (grammar, expected) => {
    expect((await ask({ grammar })).status).toBe(200);
    expect(provider.requests[0].grammar).toEqual(expected);
  });

  it.each([
    [{ temperature: 0 }, 'parameters.temperature: Input should be greater than 0'],
    [{ best_of: 5 }, 'parameters.best_of: Input should be less than or equal to 4'],
    [{ best_of: 2 }, 'parameters.best_of: Only with sampling: all answers would be the same'],
    [{ best_of: 2, do_sample: true, seed: 1 }, 'parameters.seed: Not with best_of: every answer has a seed of its own'],
    [{ top_n_tokens: 6 }, 'parameters.top_n_tokens: Input should be less than or equal to 5'],
    [{ watermark: true }, 'parameters.watermark: This server has no watermarks'],
    [{ adapter_id: 'x' }, 'parameters.adapter_id: This server has no adapters'],
    [
      { grammar: { type: 'json', value: '[' } },
      'parameters.grammar: The value should be a JSON Schema, or the text of one',
    ],
    [{ grammar: { type: 'regex', value: 1 } }, 'parameters.grammar.value: Input should be a regular expression'],
    [5, 'parameters: Input should be an object'],
  ])('with %j is refused', async (parameters, message) => {
    const response = await application.post('/generate', { inputs: 'hi', parameters });
    expect(response.status).toBe(422);
    expect(await json(response)).toEqual({ error: `Input validation error: ${message}`, error_type: 'validation' });
  });

  it('says all that is wrong with it at once', async () => {
    const response = await application.post('/', { inputs: '', parameters: { top_p: 0, seed: -1 } });
    expect((await json(response)).error).toBe(
      'Input validation error: inputs: String should have at least 1 character; parameters.top_p: Input should be ' +
        'greater than 0; parameters.seed: Input should be greater than or equal to 0',
    );
  });
});

describe('POST /generate', () => {
  it("is the seed's when there is a prompt, or neither", async () => {
    expect(await json(await application.post('/generate', { prompt: 'hi', inputs: 'hi' }))).toMatchObject({
      response: 'ab c',
    });
    for (const body of [{}, [], 'inputs', null]) {
      const response = await application.post('/generate', body);
      expect([response.status, Object.keys(await json(response))]).toEqual([422, ['detail']]);
    }
  });

  it('tells errors in the dialect of the body', async () => {
    provider.startError = new InferenceError('prompt_too_long', 'too long');
    const theirs = await ask();
    expect([theirs.status, await json(theirs)]).toEqual([
      422,
      { error: 'Input validation error: too long', error_type: 'validation' },
    ]);
    const ours = await application.post('/generate', { prompt: 'hi' });
    expect([ours.status, Object.keys(await json(ours))]).toEqual([422, ['detail']]);
  });

  it('also says in the dialect of the body that the model is not loaded', async () => {
    await application.models.unload();
    const theirs = await ask();
    expect([theirs.status, await json(theirs)]).toEqual([
      503,
      { error: 'Model not loaded', error_type: 'model_not_loaded' },
    ]);
    const ours = await application.post('/generate', { prompt: 'hi' });
    expect([ours.status, await json(ours)]).toEqual([503, { detail: 'Model not loaded' }]);
  });
});

describe('errors', () => {
  it.each<[InferenceErrorCode, number, string]>([
    ['request_invalid', 422, 'validation'],
    ['grammar_invalid', 422, 'validation'],
    ['runtime_failed', 424, 'generation'],
    ['not_loaded', 500, 'incomplete_generation'],
  ])('of the engine, %s, are %d %s', async (code, status, type) => {
    provider.startError = new InferenceError(code, 'because');
    for (const path of ['/', '/generate', '/generate_stream']) {
      const response = await ask(undefined, path);
      const { error, error_type } = await json(response);
      expect([response.status, error_type]).toEqual([status, type]);
      expect(error).toMatch(/because$/);
    }
  });

  it.each([
    ['POST', '/', '{', 422, 'Input validation error: the body is no valid JSON'],
    ['POST', '/generate_stream', '{', 422, 'Input validation error: the body is no valid JSON'],
    ['GET', '/', undefined, 405, 'Method Not Allowed'],
    ['POST', '/info', '{}', 405, 'Method Not Allowed'],
  ])('of %s %s with %j are told in this dialect as well', async (method, path, body, status, error) => {
    const headers = { 'content-type': 'application/json' };
    const response = await application.fetch(path, { method, headers, body });
    expect(response.status).toBe(status);
    expect((await json(response)).error).toMatch(new RegExp(`^${error}`));
  });

  it('of a body that is not JSON are told in this dialect as well', async () => {
    const headers = { 'content-type': 'text/plain' };
    const response = await application.fetch('/', { method: 'POST', headers, body: 'hi' });
    expect([response.status, (await json(response)).error_type]).toEqual([422, 'validation']);
  });
});

describe('GET /info', () => {
  it('tells the model and the limits', async () => {
    expect(await json(await application.fetch('/info'))).toMatchObject({
      model_id: 'org/fake',
      model_dtype: 'torch.float32',
      model_device_type: 'cpu',
      max_input_tokens: 39,
      max_total_tokens: 40,
      max_batch_size: 2,
      max_best_of: 4,
    });
  });
});
