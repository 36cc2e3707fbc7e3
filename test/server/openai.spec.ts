import { request as httpRequest } from 'node:http';
import { Test } from '@nestjs/testing';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { pino } from 'pino';
import { AppModule } from '../../src/app.module.js';
import { configureApp, createHttpAdapter } from '../../src/app.setup.js';
import { loadConfig } from '../../src/config/config.js';
import { ModelService } from '../../src/generation/model.service.js';
import {
  type Explanation,
  type GenerationEvent,
  type GenerationRequest,
  INFERENCE_PROVIDER,
  InferenceError,
  type InferenceErrorCode,
  type InferenceProvider,
  type ModelInfo,
  type Prompt,
} from '../../src/inference/inference-provider.js';
import { parseEvents } from '../support/event-stream.js';

const INFO: ModelInfo = {
  id: 'org/fake',
  architecture: 'Fake',
  device: 'cpu',
  dtype: 'float32',
  quantization: 'none',
  weightType: 'F32',
  parameters: 1,
  weightBytes: 4,
  specialIds: [2],
  vocabSize: 100,
  contextLength: 40,
  maxPositions: 40,
  slots: 1,
  kvCacheBytes: 1,
  threads: 1,
  hasChatTemplate: true,
  fingerprint: 'f',
  warnings: [],
};

const FINISH = { type: 'finish', reason: 'eos', promptTokens: 3, cachedTokens: 2, newTokens: 3 } as const;
const EVENTS: readonly GenerationEvent[] = [
  { type: 'tokens', text: 'a', ids: [1] },
  // Half a character.
  { type: 'tokens', text: '', ids: [2] },
  { type: 'tokens', text: 'é', ids: [3] },
  FINISH,
];

/** Says what a test tells it to. */
class FakeProvider implements InferenceProvider {
  prompts: Prompt[] = [];
  requests: GenerationRequest[] = [];
  signals: AbortSignal[] = [];
  events: readonly GenerationEvent[] = EVENTS;
  encodeError: Error | undefined;
  startError: Error | undefined;
  /** After all events but the finish. */
  lateError: Error | undefined;
  untilAborted = false;
  whenAsked: (() => void) | undefined;

  load(): Promise<ModelInfo> {
    return Promise.resolve(INFO);
  }

  unload(): Promise<void> {
    return Promise.resolve();
  }

  encode(prompt: Prompt): Promise<readonly number[]> {
    this.prompts.push(prompt);
    if (this.encodeError) return Promise.reject(this.encodeError);
    return Promise.resolve(prompt.kind === 'tokens' ? prompt.ids : [5, 6, 7]);
  }

  decode(ids: readonly number[]): Promise<string> {
    return Promise.resolve(ids.join(' '));
  }

  explain(): Promise<Explanation> {
    return Promise.reject(new InferenceError('request_invalid', 'not explained'));
  }

  async *generate(request: GenerationRequest, signal: AbortSignal): AsyncGenerator<GenerationEvent> {
    this.requests.push(request);
    this.signals.push(signal);
    if (this.startError) throw this.startError;
    yield await Promise.resolve({ type: 'start', promptTokens: 3 });
    for (const event of this.events) {
      if (event.type === 'finish' && this.lateError) throw this.lateError;
      if (event.type === 'finish' && this.untilAborted) {
        this.whenAsked?.();
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        throw new InferenceError('cancelled', 'the request was cancelled');
      }
      yield event;
    }
  }
}

let provider: FakeProvider;
let app: NestFastifyApplication;
let logs: { readonly level: string; readonly msg: string }[];

beforeEach(async () => {
  provider = new FakeProvider();
  logs = [];
  const log = pino(
    { formatters: { level: (level) => ({ level }) } },
    { write: (line) => logs.push(JSON.parse(line) as never) },
  );
  const testing = await Test.createTestingModule({ imports: [AppModule.forRoot(loadConfig({}))] })
    .overrideProvider(INFERENCE_PROVIDER)
    .useValue(provider)
    .setLogger(false as never)
    .compile();
  app = testing.createNestApplication<NestFastifyApplication>(createHttpAdapter(log), { bodyParser: false });
  configureApp(app);
  await app.listen(0, '127.0.0.1');
  await app.get(ModelService).load();
  logs.length = 0;
});
afterEach(() => app.close());

const TOOL = { type: 'function', function: { name: 'get_weather' } };
const CHAT = { messages: [{ role: 'user', content: 'hi' }] };

async function post(path: string, body: unknown, init: RequestInit = {}): Promise<Response> {
  return fetch(`${await app.getUrl()}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...init,
  });
}

const chat = (fields: object = {}): Promise<Response> => post('/v1/chat/completions', { ...CHAT, ...fields });
const complete = (fields: object = {}): Promise<Response> => post('/v1/completions', { prompt: 'hi', ...fields });

interface Chunk {
  readonly id: string;
  readonly choices: readonly Record<string, unknown>[];
  readonly [field: string]: unknown;
}

async function chunksOf(response: Response): Promise<Chunk[]> {
  const { data } = parseEvents(await response.text());
  expect(data.at(-1)).toBe('[DONE]');
  return data.slice(0, -1).map((one) => JSON.parse(one) as Chunk);
}

async function errorOf(response: Response): Promise<Record<string, unknown>> {
  const { error } = (await response.json()) as { error: Record<string, unknown> };
  expect(Object.keys(error)).toEqual(['message', 'type', 'param', 'code']);
  return error;
}

describe('an answer', () => {
  it('to a chat has the shape of OpenAI', async () => {
    const response = await chat();
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      id: `chatcmpl-${response.headers.get('x-request-id')}`,
      object: 'chat.completion',
      created: expect.any(Number) as number,
      model: 'org/fake',
      system_fingerprint: expect.stringMatching(/^fp_[0-9a-f]{12}$/) as string,
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: 'aé', refusal: null },
          logprobs: null,
          finish_reason: 'stop',
          stop_reason: null,
        },
      ],
      usage: {
        prompt_tokens: 3,
        completion_tokens: 3,
        total_tokens: 6,
        prompt_tokens_details: { cached_tokens: 2 },
      },
    });
  });

  it('to a text has the shape of OpenAI', async () => {
    expect(await (await complete()).json()).toMatchObject({
      object: 'text_completion',
      choices: [{ index: 0, text: 'aé', logprobs: null, finish_reason: 'stop' }],
    });
  });

  it.each([
    [{ reason: 'eos' }, 'stop', null],
    [{ reason: 'length' }, 'length', null],
    [{ reason: 'stop_string', stopString: 'END' }, 'stop', 'END'],
    [{ reason: 'stop_token', stopTokenId: 9 }, 'stop', 9],
  ] as const)('that ended by %j says so', async (finish, reason, stopReason) => {
    provider.events = [{ ...FINISH, ...finish }];
    expect(await (await chat()).json()).toMatchObject({
      choices: [{ finish_reason: reason, stop_reason: stopReason }],
    });
  });

  it('names parameters that nobody knows, in a stream as well, and nothing when there are none', async () => {
    const warnings = ['user is not known here and was ignored'];
    expect(await (await chat({ user: 'me', store: null })).json()).toMatchObject({ warnings });
    const [first, ...others] = await chunksOf(await chat({ user: 'me', stream: true }));
    expect(first).toMatchObject({ warnings });
    for (const chunk of others) expect(chunk).not.toHaveProperty('warnings');
    expect(await (await chat()).json()).not.toHaveProperty('warnings');
  });

  it('tells token ids when asked', async () => {
    expect(await (await chat({ return_token_ids: true })).json()).toMatchObject({
      prompt_token_ids: [5, 6, 7],
      choices: [{ token_ids: [1, 2, 3] }],
    });
    const chunks = await chunksOf(await complete({ return_token_ids: true, stream: true, prompt: [8, 9] }));
    expect(chunks[0].choices[0]).toMatchObject({ prompt_token_ids: [8, 9], token_ids: [1] });
    expect(chunks.flatMap(({ choices }) => choices[0].token_ids ?? [])).toEqual([1, 2, 3]);
  });

  it('tells log probabilities in the shape of its route, in a stream piece by piece', async () => {
    const of = (token: number, logprob: number, text: string) => ({ token, logprob, bytes: [...Buffer.from(text)] });
    const top = [of(1, -0.5, 'a'), of(2, -Infinity, 'b')];
    provider.events = [
      { type: 'tokens', text: 'a', ids: [1], logprobs: [{ ...of(1, -0.5, 'a'), top }] },
      { type: 'tokens', text: 'b', ids: [2], logprobs: [{ ...of(2, -Infinity, 'b'), top: [of(1, -0.5, 'a')] }] },
      FINISH,
    ];
    const a = { token: 'a', logprob: -0.5, bytes: [97] };
    const b = { token: 'b', logprob: -9999, bytes: [98] };
    const content = [
      { ...a, top_logprobs: [a, b] },
      { ...b, top_logprobs: [a] },
    ];
    expect(await (await chat({ logprobs: true, top_logprobs: 2 })).json()).toMatchObject({
      choices: [{ logprobs: { content, refusal: null } }],
    });
    expect(provider.requests[0].logprobs).toBe(2);
    const chunks = await chunksOf(await chat({ logprobs: true, stream: true }));
    expect(provider.requests[1].logprobs).toBe(0);
    expect(
      chunks.flatMap(({ choices }) => (choices[0].logprobs as { content: unknown[] } | null)?.content ?? []),
    ).toEqual(content);
    const expected = {
      tokens: ['a', 'b'],
      token_logprobs: [-0.5, -9999],
      top_logprobs: [
        { a: -0.5, b: -9999 },
        { a: -0.5, b: -9999 },
      ],
      text_offset: [0, 1],
    };
    expect(await (await complete({ logprobs: 2 })).json()).toMatchObject({ choices: [{ logprobs: expected }] });
    const offsets = (await chunksOf(await complete({ logprobs: 2, stream: true }))).flatMap(
      ({ choices }) => (choices[0].logprobs as { text_offset: number[] } | null)?.text_offset ?? [],
    );
    expect(offsets).toEqual([0, 1]);
  });
});

describe('a stream', () => {
  it('of a chat begins with a role, goes on with what is new, and ends with a reason', async () => {
    const response = await chat({ stream: true });
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(response.headers.get('cache-control')).toBe('no-cache');
    expect(response.headers.get('x-accel-buffering')).toBe('no');
    const chunks = await chunksOf(response);
    expect(chunks.map(({ choices }) => choices)).toEqual([
      [{ index: 0, delta: { role: 'assistant', content: '' }, logprobs: null, finish_reason: null }],
      [{ index: 0, delta: { content: 'a' }, logprobs: null, finish_reason: null }],
      [{ index: 0, delta: { content: 'é' }, logprobs: null, finish_reason: null }],
      [{ index: 0, delta: {}, logprobs: null, finish_reason: 'stop', stop_reason: null }],
    ]);
    const [head] = chunks;
    for (const { id, object, created, model, system_fingerprint: fingerprint, ...rest } of chunks) {
      expect({ id, created, fingerprint }).toEqual({
        id: head.id,
        created: head.created,
        fingerprint: head.system_fingerprint,
      });
      expect([object, model, Object.keys(rest)]).toEqual(['chat.completion.chunk', 'org/fake', ['choices']]);
    }
  });

  it('of a text has texts', async () => {
    const chunks = await chunksOf(await complete({ stream: true }));
    expect(chunks.map(({ choices: [choice] }) => choice)).toEqual([
      { index: 0, text: 'a', logprobs: null, finish_reason: null },
      { index: 0, text: 'é', logprobs: null, finish_reason: null },
      { index: 0, text: '', logprobs: null, finish_reason: 'stop', stop_reason: null },
    ]);
  });

  it('ends with what was counted, when asked', async () => {
    const chunks = await chunksOf(await chat({ stream: true, stream_options: { include_usage: true } }));
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { prompt_tokens: 3, completion_tokens: 3 } });
    for (const chunk of chunks.slice(0, -1)) expect(chunk.usage).toBeNull();
  });

  it('that fails ends with the error, and the log has the reason', async () => {
    provider.lateError = new InferenceError('runtime_failed', 'the reason');
    const { data } = parseEvents(await (await chat({ stream: true })).text());
    expect(JSON.parse(data.at(-1) as string)).toEqual({
      error: { message: 'Generation failed: the reason', type: 'server_error', param: null, code: null },
    });
    expect(data).not.toContain('[DONE]');
    expect(logs.map(({ level, msg }) => [level, msg])).toEqual([
      ['error', 'request failed'],
      ['info', 'request'],
    ]);
  });

  it.each([true, false])('of which the client goes away is cancelled (stream: %s)', async (stream) => {
    provider.untilAborted = true;
    const asked = new Promise<void>((resolve) => (provider.whenAsked = resolve));
    const controller = new AbortController();
    const pending = post('/v1/chat/completions', { ...CHAT, stream }, { signal: controller.signal }).then((response) =>
      response.text(),
    );
    const gone = expect(pending).rejects.toThrow('abort');
    await asked;
    controller.abort();
    await gone;
    while (!logs.some(({ msg }) => msg === 'request')) await new Promise(setImmediate);
    expect(logs.filter(({ msg }) => msg === 'request')).toEqual([
      expect.objectContaining({ outcome: 'cancelled', new_tokens: 3 }),
    ]);
  });

  it('that is read slowly is made slowly: what waits is bounded', async () => {
    let made = 0;
    const text = 'x'.repeat(10_000);
    const total = 10_000;
    provider.generate = async function* () {
      yield await Promise.resolve({ type: 'start', promptTokens: 3 } as const);
      for (; made < total; made++) yield { type: 'tokens', text, ids: [1] } as const;
      yield FINISH;
    };
    const { hostname, port } = new URL(await app.getUrl());
    const request = httpRequest({
      hostname,
      port,
      path: '/v1/chat/completions',
      method: 'POST',
      headers: { 'content-type': 'application/json' },
    });
    request.end(JSON.stringify({ ...CHAT, stream: true }));
    // Not one byte is read: only buffers fill up, those of the kernel included.
    const response = await new Promise<NodeJS.ReadableStream & { destroy: () => void }>((resolve) =>
      request.once('response', resolve as never),
    );
    for (let same = 0; same < 200;) {
      const before = made;
      await new Promise(setImmediate);
      same = made === before ? same + 1 : 0;
    }
    expect(made).toBeGreaterThan(0);
    expect(made).toBeLessThan(total);
    response.destroy();
    request.destroy();
  });
});

describe('several answers', () => {
  it('have a seed each, the first that of the request', async () => {
    const response = await chat({ n: 3, seed: 7 });
    const { choices, usage } = (await response.json()) as { choices: { index: number }[]; usage: object };
    expect(choices.map(({ index }) => index)).toEqual([0, 1, 2]);
    expect(provider.requests.map(({ seed }) => seed)).toEqual([7, 6, 5]);
    expect(provider.prompts).toHaveLength(1);
    expect(usage).toMatchObject({
      prompt_tokens: 3,
      completion_tokens: 9,
      prompt_tokens_details: { cached_tokens: 2 },
    });
    await chat({ n: 3 });
    expect(provider.requests.slice(3).map(({ seed }) => seed)).toEqual([undefined, undefined, undefined]);
  });

  it('to several prompts are in their order, and stream under their index', async () => {
    const response = await complete({ prompt: [[1], [2, 3]], n: 2, return_token_ids: true });
    const { choices } = (await response.json()) as { choices: { index: number; prompt_token_ids: number[] }[] };
    expect(choices.map(({ index, prompt_token_ids: ids }) => [index, ids])).toEqual([
      [0, [1]],
      [1, [1]],
      [2, [2, 3]],
      [3, [2, 3]],
    ]);
    const chunks = await chunksOf(await chat({ n: 2, stream: true }));
    for (const index of [0, 1]) {
      const mine = chunks.map(({ choices: [choice] }) => choice).filter((choice) => choice.index === index);
      expect(mine.map(({ delta }) => (delta as { content?: string }).content ?? '').join('')).toBe('aé');
      expect(mine.at(-1)?.finish_reason).toBe('stop');
    }
  });

  it('end together when one fails', async () => {
    provider.lateError = new InferenceError('runtime_failed', 'the reason');
    expect((await chat({ n: 40 })).status).toBe(500);
    for (const signal of provider.signals) expect(signal.aborted).toBe(true);
  });
});

describe('the model gets', () => {
  it('every parameter', async () => {
    await chat({
      timeout: 2.5,
      max_tokens: 30,
      max_completion_tokens: 20,
      temperature: 0.5,
      top_p: 0.9,
      top_k: -1,
      min_p: 0.1,
      repetition_penalty: 1.1,
      presence_penalty: 0.2,
      frequency_penalty: 0.3,
      logit_bias: { 4: -100 },
      stop: 'x',
      stop_token_ids: [9],
      min_tokens: 2,
      ignore_eos: true,
      skip_special_tokens: false,
      add_generation_prompt: false,
      chat_template_kwargs: { enable_thinking: false },
    });
    expect(provider.prompts).toEqual([
      {
        kind: 'chat',
        messages: CHAT.messages,
        addGenerationPrompt: false,
        variables: { enable_thinking: false },
      },
    ]);
    expect(provider.requests).toEqual([
      {
        client: 'anonymous',
        timeLimits: { whole: 2500 },
        prompt: { kind: 'tokens', ids: [5, 6, 7] },
        keptSpecialTokens: [],
        maxNewTokens: 20,
        sampling: {
          temperature: 0.5,
          topP: 0.9,
          topK: 0,
          minP: 0.1,
          repetitionPenalty: 1.1,
          presencePenalty: 0.2,
          frequencyPenalty: 0.3,
          logitBias: new Map([[4, -100]]),
        },
        seed: undefined,
        stop: ['x'],
        stopTokenIds: [9],
        minTokens: 2,
        ignoreEos: true,
        skipSpecialTokens: false,
        logprobs: undefined,
      },
    ]);
  });

  it('parts of text as one text, and a developer as the system', async () => {
    await chat({
      messages: [
        { role: 'developer', content: 'Be brief.' },
        {
          role: 'user',
          name: 'Ann',
          content: [
            { type: 'text', text: 'a' },
            { type: 'text', text: 'b' },
          ],
        },
        { role: 'assistant', content: null, tool_calls: [] },
      ],
    });
    expect(provider.prompts[0]).toMatchObject({
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', name: 'Ann', content: 'a\nb' },
        { role: 'assistant', content: null },
      ],
    });
  });

  it('16 tokens for a text unless it is told otherwise, or fewer if no more fit; for a chat as many as fit', async () => {
    await complete();
    await complete({ prompt: new Array(30).fill(1) });
    await complete({ max_tokens: 3 });
    await chat();
    expect(provider.requests.map(({ maxNewTokens }) => maxNewTokens)).toEqual([16, 10, 3, undefined]);
  });
});

describe('a request that is refused', () => {
  it.each<[string, object, string, RegExp]>([
    ['chat', { messages: [] }, 'messages', /at least 1/],
    ['chat', { messages: 'hi' }, 'messages', /list/],
    ['chat', { messages: ['hi'] }, 'messages[0]', /object/],
    ['chat', { messages: [{ role: 'king', content: '' }] }, 'messages[0].role', /one of system/],
    ['chat', { messages: [{ role: 'user' }] }, 'messages[0].content', /string/],
    [
      'chat',
      { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: '' } }] }] },
      'messages[0].content[0].type',
      /only text/,
    ],
    ['chat', { messages: [{ role: 'user', content: [{ type: 'text' }] }] }, 'messages[0].content[0].text', /string/],
    ['chat', { temperature: 2.1 }, 'temperature', /less than or equal to 2/],
    ['chat', { top_p: 0 }, 'top_p', /greater than 0/],
    ['chat', { n: 129 }, 'n', /128/],
    ['chat', { n: 0 }, 'n', /1/],
    ['chat', { max_tokens: 0 }, 'max_tokens', /1/],
    ['chat', { stop: new Array(17).fill('a') }, 'stop', /16/],
    ['chat', { stream: 'yes' }, 'stream', /boolean/],
    ['chat', { stream_options: { include_usage: true } }, 'stream_options', /stream/],
    ['chat', { stream: true, stream_options: { include_usage: 1 } }, 'stream_options.include_usage', /boolean/],
    ['chat', { top_logprobs: 2 }, 'top_logprobs', /logprobs/],
    ['chat', { logprobs: true, top_logprobs: 21 }, 'top_logprobs', /20/],
    ['chat', { logit_bias: { a: 1 } }, 'logit_bias.a', /token id/],
    ['chat', { logit_bias: { 1: 101 } }, 'logit_bias.1', /100/],
    ['chat', { logit_bias: { 100: 1 } }, 'logit_bias', /no token 100/],
    ['chat', { stop_token_ids: [1.5] }, 'stop_token_ids[0]', /token id/],
    ['chat', { stop_token_ids: [1, 100] }, 'stop_token_ids', /no token 100/],
    ['chat', { max_tokens: 3, min_tokens: 4 }, 'min_tokens', /at most max_tokens, 3/],
    ['chat', { tools: [{ type: 'function' }] }, 'tools[0].function', /object/],
    ['chat', { tools: [{ type: 'web_search' }] }, 'tools[0].type', /no other tools/],
    ['chat', { tools: [{ type: 'function', function: { name: 'a b' } }] }, 'tools[0].function.name', /letters/],
    [
      'chat',
      { tools: [{ type: 'function', function: { name: 'a', parameters: [] } }] },
      'tools[0].function.parameters',
      /JSON Schema/,
    ],
    ['chat', { tools: [TOOL, TOOL] }, 'tools[1].function.name', /Another tool/],
    ['chat', { tools: [TOOL] }, 'tools', /chat template of this model does not know tools/],
    ['chat', { tool_choice: 'required' }, 'tool_choice', /no tools/],
    ['chat', { tool_choice: 'any' }, 'tool_choice', /required/],
    ['chat', { tool_choice: { type: 'function', function: { name: 'a' } } }, 'tool_choice', /no tool "a"/],
    ['chat', { functions: [{ name: 'a' }] }, 'functions', /use tools/],
    ['chat', { function_call: { name: 'a' } }, 'function_call', /use tool_choice/],
    ['chat', { reasoning_effort: 'much' }, 'reasoning_effort', /minimal/],
    ['chat', { thinking_token_budget: -1 }, 'thinking_token_budget', /0/],
    ['chat', { messages: [{ role: 'assistant', tool_calls: {} }] }, 'messages[0].tool_calls', /list/],
    [
      'chat',
      { messages: [{ role: 'assistant', tool_calls: [{ function: {} }] }] },
      'messages[0].tool_calls[0].function.name',
      /string/,
    ],
    [
      'chat',
      { messages: [{ role: 'assistant', tool_calls: [{ id: 1, function: { name: 'a' } }] }] },
      'messages[0].tool_calls[0].id',
      /string/,
    ],
    [
      'chat',
      { messages: [{ role: 'assistant', tool_calls: [{ function: { name: 'a', arguments: 1 } }] }] },
      'messages[0].tool_calls[0].function.arguments',
      /JSON object/,
    ],
    ['chat', { messages: [{ role: 'tool', content: 'a', tool_call_id: 1 }] }, 'messages[0].tool_call_id', /string/],
    ['chat', { response_format: { type: 'xml' } }, 'response_format.type', /json_schema/],
    ['chat', { response_format: { type: 'json_schema' } }, 'response_format.json_schema', /object/],
    [
      'chat',
      { response_format: { type: 'json_schema', json_schema: { schema: [] } } },
      'response_format.json_schema.schema',
      /object/,
    ],
    ['chat', { structured_outputs: {} }, 'structured_outputs', /exactly one/],
    ['chat', { structured_outputs: { regex: 'a', choice: ['a'] } }, 'structured_outputs', /exactly one/],
    ['chat', { structured_outputs: { regex: 3 } }, 'structured_outputs.regex', /string/],
    ['chat', { structured_outputs: { json: '{' } }, 'structured_outputs.json', /JSON Schema/],
    ['chat', { structured_outputs: { choice: [] } }, 'structured_outputs.choice', /list/],
    ['chat', { structured_outputs: { whitespace_pattern: ' ' } }, 'structured_outputs.whitespace_pattern', /supported/],
    [
      'chat',
      { structured_outputs: { regex: 'a' }, response_format: { type: 'json_object' } },
      'structured_outputs',
      /together/,
    ],
    ['chat', { modalities: ['text', 'audio'] }, 'modalities', /not supported/],
    ['text', { prompt: undefined }, 'prompt', /required/],
    ['text', { prompt: [] }, 'prompt', /at least 1/],
    ['text', { prompt: ['a', [1]] }, 'prompt[1]', /one kind/],
    ['text', { prompt: [[1], [-1]] }, 'prompt[1][0]', /token id/],
    ['text', { prompt: ['a', 'b'], n: 65 }, 'n', /128/],
    ['text', { logprobs: 21 }, 'logprobs', /20/],
    ['text', { echo: true }, 'echo', /not supported/],
    ['text', { suffix: 'end' }, 'suffix', /not supported/],
    ['text', { best_of: 2 }, 'best_of', /not supported/],
  ])('%s %j names the parameter', async (route, fields, param, message) => {
    const response = await (route === 'chat' ? chat(fields) : complete(fields));
    expect(response.status).toBe(400);
    const error = await errorOf(response);
    expect(error).toMatchObject({ type: 'invalid_request_error', param, code: null });
    expect(error.message).toMatch(message);
    expect(provider.requests).toEqual([]);
  });

  it.each<object>([
    { tools: [], tool_choice: 'none', functions: null, response_format: { type: 'text' }, modalities: ['text'] },
    { logprobs: false, stop: null, n: null, model: null, stream: null, max_tokens: null },
    { model: 'org/fake' },
    { model: 'tgi' },
    { model: 'dummy' },
    { model: 'http://127.0.0.1:8000' },
  ])('is none that asks for nothing special: %j', async (fields) => {
    expect((await chat(fields)).status).toBe(200);
  });

  it.each(['gpt-4', 'fake', 'org'])('for the model %s is told that there is none', async (model) => {
    const response = await chat({ model });
    expect(response.status).toBe(404);
    expect(await errorOf(response)).toMatchObject({ param: 'model', code: 'model_not_found' });
  });

  it.each<['encodeError' | 'startError', InferenceErrorCode, number, string | null]>([
    ['startError', 'prompt_too_long', 400, 'context_length_exceeded'],
    ['startError', 'request_invalid', 400, null],
    ['encodeError', 'template_failed', 400, null],
    ['startError', 'runtime_failed', 500, null],
    ['encodeError', 'not_loaded', 503, 'model_not_loaded'],
  ])('by the provider (%s: %s) is answered with %i, a stream as well', async (when, code, status, expected) => {
    provider[when] = new InferenceError(code, 'the reason');
    for (const stream of [false, true]) {
      const response = await chat({ stream });
      expect(response.status).toBe(status);
      expect(response.headers.get('content-type')).toMatch(/^application\/json/);
      expect(await errorOf(response)).toMatchObject({ code: expected });
    }
  });

  it('tells nothing of an error that nobody foresaw, and logs it', async () => {
    provider.startError = new Error('secret path /etc/x');
    const response = await chat();
    expect(response.status).toBe(500);
    expect(await errorOf(response)).toMatchObject({ message: 'Internal Server Error', type: 'server_error' });
    expect(logs.filter(({ level }) => level === 'error')).toHaveLength(1);
  });

  it('comes before the model is loaded', async () => {
    await app.get(ModelService).unload();
    for (const response of [
      await chat(),
      await complete({ prompt: 5 }),
      await fetch(`${await app.getUrl()}/v1/models`),
    ]) {
      expect(response.status).toBe(503);
      expect(await errorOf(response)).toMatchObject({ type: 'server_error', code: 'model_not_loaded' });
    }
  });

  it.each<[string, number, RequestInit, string | null]>([
    ['JSON that breaks off', 400, { body: '{"messages":' }, null],
    ['no JSON by its type', 400, { body: 'x', headers: { 'content-type': 'text/plain' } }, null],
    ['an empty body', 400, { body: '' }, null],
    ['a list', 400, { body: '[]' }, null],
    ['a body that is too large', 413, { body: `{"messages":"${'a'.repeat(2_000_000)}"}` }, null],
    ['another method', 405, { method: 'PUT', body: '{}' }, 'method_not_allowed'],
  ])('for %s is told so with %i', async (_, status, init, code) => {
    const response = await post('/v1/chat/completions', '', init);
    expect(response.status).toBe(status);
    expect(await errorOf(response)).toMatchObject({ type: 'invalid_request_error', code });
    if (status === 405) expect(response.headers.get('allow')).toBe('POST');
  });

  it('for a route that is not there is told so, in the dialect of its path', async () => {
    const url = await app.getUrl();
    for (const path of ['/v1', '/v1/nothing?x', '/v1/chat/completions/x']) {
      const response = await fetch(url + path);
      expect(response.status).toBe(404);
      expect(await errorOf(response)).toMatchObject({ code: 'unknown_url' });
    }
    expect(await (await fetch(`${url}/v1x`)).json()).toEqual({ detail: 'Not Found' });
    const wrongMethod = await fetch(`${url}/generate`);
    expect([wrongMethod.status, await wrongMethod.json()]).toEqual([405, { detail: 'Method Not Allowed' }]);
  });
});

describe('GET /v1/models', () => {
  const MODEL = {
    id: 'org/fake',
    object: 'model',
    created: expect.any(Number) as number,
    owned_by: 'roost',
    max_model_len: 40,
  };

  it('lists the model', async () => {
    const response = await fetch(`${await app.getUrl()}/v1/models`);
    expect(await response.json()).toEqual({ object: 'list', data: [MODEL] });
  });

  it.each(['org/fake', 'org%2Ffake'])('/%s describes it, whose name may have slashes', async (id) => {
    const response = await fetch(`${await app.getUrl()}/v1/models/${id}`);
    expect([response.status, await response.json()]).toEqual([200, MODEL]);
  });

  it('/other is told that there is none', async () => {
    const response = await fetch(`${await app.getUrl()}/v1/models/other/model`);
    expect(response.status).toBe(404);
    expect(await errorOf(response)).toMatchObject({ param: 'model', code: 'model_not_found' });
  });
});
