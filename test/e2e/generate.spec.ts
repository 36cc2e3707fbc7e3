import { DEMO_MODEL, editJson, fixture, TemporaryFolders } from '../support/folders.js';
import { demoCases, golden } from '../support/golden.js';
import { ServerProcess, SLOW_STEPS } from '../support/server.js';

interface Fault {
  readonly type: string;
  readonly loc: readonly (string | number)[];
  readonly msg: string;
  readonly input: unknown;
  readonly ctx?: Record<string, unknown>;
}

const folders = new TemporaryFolders();
let server: ServerProcess;

beforeAll(async () => (server = await ServerProcess.ready()));
afterAll(async () => {
  await server.stop();
  folders.remove();
});

const QUESTION = 'What is an Inference Endpoint?';
const ANSWER =
  '<think>\nI know this one.\n</think>\n\nAn Inference Endpoint is a server that loads a model and answers requests over HTTP. You send a prompt to it and get generated text back.';

async function generate(
  body: Record<string, unknown>,
): Promise<{ response: string; input_token_count: number; output_token_count: number }> {
  const response = await server.post('/generate', body);
  expect(response.status).toBe(200);
  return (await response.json()) as never;
}

describe('POST /generate', () => {
  it('answers a prompt in the shape of the seed, with status 200', async () => {
    const response = await server.post('/generate', { prompt: QUESTION });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toMatch(/^application\/json/);
    expect(await response.json()).toEqual({ response: ANSWER, input_token_count: 40, output_token_count: 39 });
  });

  const single = demoCases().filter(({ messages, tools, template }) => {
    return messages.length === 1 && messages[0].role === 'user' && !tools && !template;
  });

  it.each(single)('gives the golden answer of $text', async ({ messages, input_ids, output_ids, text }) => {
    expect(await generate({ prompt: messages[0].content, max_new_tokens: 512 })).toEqual({
      response: text,
      input_token_count: input_ids.length,
      output_token_count: output_ids.length,
    });
  });

  it('gives the golden answers to all of them at once', async () => {
    const answers = await Promise.all(single.map(({ messages }) => generate({ prompt: messages[0].content })));
    expect(answers.map(({ response }) => response)).toEqual(single.map(({ text }) => text));
  });

  it('ends at max_new_tokens', async () => {
    expect(await generate({ prompt: QUESTION, max_new_tokens: 3 })).toMatchObject({ output_token_count: 3 });
  });

  it('ends before a stop string, given alone or in a list', async () => {
    const { response } = await generate({ prompt: QUESTION, stop: ' loads' });
    expect(response).toBe(ANSWER.slice(0, ANSWER.indexOf(' loads')));
    expect((await generate({ prompt: QUESTION, stop: ['nowhere', ' loads'] })).response).toBe(response);
  });

  it('samples with the parameters it is given, and repeats itself for the same seed', async () => {
    const body = {
      prompt: QUESTION,
      temperature: 2,
      top_k: 0,
      top_p: 1,
      min_p: 0,
      repetition_penalty: 1.1,
      max_new_tokens: 40,
    };
    const [one, again, other] = await Promise.all([1, 1, 2].map((seed) => generate({ ...body, seed })));
    expect(again).toEqual(one);
    expect(other.response).not.toBe(one.response);
  });

  it('takes null for a parameter that was left out, and a number that is written as a string', async () => {
    const body = { prompt: QUESTION, temperature: null, stop: null, seed: null, max_new_tokens: '128' };
    expect((await generate(body)).response).toBe(ANSWER);
  });

  it('ignores fields that it does not know, as the seed does', async () => {
    expect((await generate({ prompt: QUESTION, user: 'me' })).response).toBe(ANSWER);
  });

  it('logs one line with what it did', async () => {
    const response = await server.post('/generate', { prompt: QUESTION, max_new_tokens: 7 });
    const id = response.headers.get('x-request-id');
    const line = await server.find((candidate) => candidate.request_id === id);
    expect(line).toMatchObject({
      level: 'info',
      msg: 'request',
      method: 'POST',
      route: '/generate',
      status: 200,
      outcome: 'length',
      prompt_tokens: 40,
      new_tokens: 7,
    });
    expect(line.duration_ms).toBeGreaterThan(0);
    expect(server.logs.filter((candidate) => candidate.request_id === id)).toHaveLength(1);
  });

  it('carries the request id that the client gave, if it is harmless', async () => {
    const ask = async (id: string) =>
      (
        await server.post('/generate', {}, { headers: { 'content-type': 'application/json', 'x-request-id': id } })
      ).headers.get('x-request-id');
    expect(await ask('abc-123')).toBe('abc-123');
    expect(await ask('{"a":1}')).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe('a bad request', () => {
  async function faults(body: unknown, contentType = 'application/json'): Promise<Fault[]> {
    const response = await server.post('/generate', body, { headers: { 'content-type': contentType } });
    expect(response.status).toBe(422);
    return ((await response.json()) as { detail: Fault[] }).detail;
  }

  it.each<[string, unknown, Partial<Fault>]>([
    ['no prompt', {}, { type: 'missing', loc: ['body', 'prompt'], msg: 'Field required', input: {} }],
    [
      'an empty prompt',
      { prompt: '' },
      { type: 'string_too_short', loc: ['body', 'prompt'], input: '', ctx: { min_length: 1 } },
    ],
    ['a prompt that is no string', { prompt: 5 }, { type: 'string_type', loc: ['body', 'prompt'], input: 5 }],
    ['a prompt of null', { prompt: null }, { type: 'string_type', loc: ['body', 'prompt'], input: null }],
    [
      'too few new tokens',
      { prompt: 'x', max_new_tokens: 0 },
      { type: 'greater_than_equal', loc: ['body', 'max_new_tokens'], ctx: { ge: 1 } },
    ],
    [
      'too many new tokens',
      { prompt: 'x', max_new_tokens: 513 },
      { type: 'less_than_equal', loc: ['body', 'max_new_tokens'], ctx: { le: 512 } },
    ],
    [
      'a fraction of a token',
      { prompt: 'x', max_new_tokens: 1.5 },
      { type: 'int_from_float', loc: ['body', 'max_new_tokens'], input: 1.5 },
    ],
    [
      'a word for a number',
      { prompt: 'x', max_new_tokens: 'ten' },
      { type: 'int_parsing', loc: ['body', 'max_new_tokens'] },
    ],
    [
      'null for a number with a default',
      { prompt: 'x', max_new_tokens: null },
      { type: 'int_type', loc: ['body', 'max_new_tokens'] },
    ],
    [
      'a truth value for a number',
      { prompt: 'x', temperature: true },
      { type: 'float_type', loc: ['body', 'temperature'] },
    ],
    [
      'an infinite number',
      '{"prompt":"x","temperature":1e400}',
      { type: 'finite_number', loc: ['body', 'temperature'] },
    ],
    [
      'a negative temperature',
      { prompt: 'x', temperature: -0.1 },
      { type: 'greater_than_equal', loc: ['body', 'temperature'] },
    ],
    [
      'a temperature above 2',
      { prompt: 'x', temperature: 2.1 },
      { type: 'less_than_equal', loc: ['body', 'temperature'] },
    ],
    ['top_p of 0', { prompt: 'x', top_p: 0 }, { type: 'greater_than', loc: ['body', 'top_p'], ctx: { gt: 0 } }],
    ['top_p above 1', { prompt: 'x', top_p: 1.01 }, { type: 'less_than_equal', loc: ['body', 'top_p'] }],
    ['a negative top_k', { prompt: 'x', top_k: -1 }, { type: 'greater_than_equal', loc: ['body', 'top_k'] }],
    ['min_p above 1', { prompt: 'x', min_p: 2 }, { type: 'less_than_equal', loc: ['body', 'min_p'] }],
    [
      'a repetition penalty of 0',
      { prompt: 'x', repetition_penalty: 0 },
      { type: 'greater_than', loc: ['body', 'repetition_penalty'] },
    ],
    ['a negative seed', { prompt: 'x', seed: -1 }, { type: 'greater_than_equal', loc: ['body', 'seed'] }],
    [
      'a seed that JSON cannot hold',
      '{"prompt":"x","seed":9007199254740993}',
      { type: 'less_than_equal', loc: ['body', 'seed'] },
    ],
    ['a stop of numbers', { prompt: 'x', stop: [1] }, { type: 'string_type', loc: ['body', 'stop'] }],
    ['an empty stop', { prompt: 'x', stop: '' }, { type: 'string_too_short', loc: ['body', 'stop'] }],
    ['too many stops', { prompt: 'x', stop: new Array(17).fill('a') }, { type: 'too_long', loc: ['body', 'stop'] }],
    ['a stop that is an object', { prompt: 'x', stop: {} }, { type: 'list_type', loc: ['body', 'stop'] }],
    ['a list for a body', [], { type: 'model_attributes_type', loc: ['body'] }],
    ['a string for a body', '"x"', { type: 'model_attributes_type', loc: ['body'], input: 'x' }],
    ['null for a body', 'null', { type: 'missing', loc: ['body'] }],
    ['an empty body', '', { type: 'missing', loc: ['body'] }],
    ['JSON that breaks off', '{"prompt": "x"', { type: 'json_invalid', loc: ['body', 14], msg: 'JSON decode error' }],
    [
      'a string that only looks like a number',
      { prompt: 'x', temperature: `${'1'.repeat(500_000)}x` },
      { type: 'float_parsing' },
    ],
    [
      'JSON nested too deep',
      `{"prompt":"x","a":${'['.repeat(5000)}${']'.repeat(5000)}}`,
      { type: 'json_invalid', loc: ['body'] },
    ],
    [
      'a number too large that is a string',
      { prompt: 'x', max_new_tokens: '513' },
      { type: 'less_than_equal', input: '513' },
    ],
    ['no JSON', 'prompt=x', { type: 'json_invalid', msg: 'JSON decode error' }],
    ['a key that would reach a prototype', '{"__proto__":{},"prompt":"x"}', { type: 'json_invalid', loc: ['body'] }],
  ])('with %s is told so, in the shape of FastAPI', async (_, body, expected) => {
    const found = await faults(body);
    expect(found).toEqual([expect.objectContaining(expected)]);
    expect(found[0]).toEqual(expect.objectContaining({ msg: expect.any(String) as string }));
    expect(found[0]).toHaveProperty('input');
  });

  it('gets one entry for each fault', async () => {
    const found = await faults({ max_new_tokens: 9999, temperature: 'hot', top_p: 3 });
    expect(found.map(({ loc }) => loc.join('.')).sort()).toEqual([
      'body.max_new_tokens',
      'body.prompt',
      'body.temperature',
      'body.top_p',
    ]);
  });

  it.each(['text/plain', 'application/xml', 'application/x-www-form-urlencoded'])(
    'of type %s is told so',
    async (type) => {
      expect(await faults('{"prompt":"x"}', type)).toEqual([
        expect.objectContaining({ type: 'model_attributes_type', loc: ['body'] }),
      ]);
    },
  );

  it('of bytes that are no UTF-8 is told so', async () => {
    const bytes = Buffer.from('{"prompt":"caf\xe9"}', 'latin1');
    const response = await server.fetch('/generate', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: bytes,
    });
    expect(response.status).toBe(422);
    expect(await response.json()).toMatchObject({
      detail: [{ type: 'json_invalid', ctx: { error: 'The body is not UTF-8' } }],
    });
  });

  it('of another type that is JSON is no bad one', async () => {
    const headers = { 'content-type': 'application/problem+json; charset=utf-8' };
    expect((await server.post('/generate', { prompt: QUESTION }, { headers })).status).toBe(200);
  });

  it('with a prompt longer than the context names the count and the limit, and nothing is cut', async () => {
    const [fault] = await faults({ prompt: 'word '.repeat(3000) });
    expect(fault).toMatchObject({ type: 'prompt_too_long', loc: ['body', 'prompt'] });
    expect(fault.msg).toMatch(/the prompt has \d{4} tokens.* the context holds 2048/);
  });

  it('with more new tokens than fit after the prompt is refused as well', async () => {
    const [fault] = await faults({ prompt: 'word '.repeat(1700), max_new_tokens: 512 });
    expect(fault.msg).toMatch(/the prompt has \d{4} tokens and the answer may have 512/);
  });

  it('that is too large is 413', async () => {
    const response = await server.post('/generate', { prompt: 'a'.repeat(2_000_000) });
    expect(response.status).toBe(413);
    expect(await response.json()).toEqual({ detail: 'The body has more than 1 MiB' });
  });

  it('leaves the server as it was', async () => {
    expect((await generate({ prompt: QUESTION })).response).toBe(ANSWER);
    expect(server.noise).toEqual([]);
  });
});

describe('other routes', () => {
  it.each([
    ['/health', { message: 'API is running.' }],
    ['/health/live', expect.objectContaining({ status: 'ok', info: { progress: { status: 'up' } } })],
    ['/health/startup', expect.objectContaining({ status: 'ok', info: { model: { status: 'up', state: 'ready' } } })],
    ['/health/ready', expect.objectContaining({ status: 'ok', info: { model: { status: 'up', state: 'ready' } } })],
  ])('GET %s answers 200', async (path, body) => {
    const response = await server.fetch(path);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual(body);
  });

  it('that cannot be decoded are 400, in the same dialect', async () => {
    const response = await server.fetch('/%ff');
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({ detail: 'The URL cannot be decoded' });
  });

  it('that do not exist are 404 in the same dialect, with a request id', async () => {
    const response = await server.fetch('/nothing');
    expect(response.status).toBe(404);
    expect(await response.json()).toEqual({ detail: 'Not Found' });
    expect(response.headers.get('x-request-id')).toBeTruthy();
  });
});

describe('a client that goes away', () => {
  it('frees its slot: nobody waits for an answer that nobody reads', async () => {
    const env = { MAX_BATCH_SIZE: '1', MODEL_PATH: fixture('llama'), MAX_NEW_TOKENS: '2000' };
    const single = await ServerProcess.ready({ ...env, ...SLOW_STEPS });
    // The second request would wait for all of the first.
    const controller = new AbortController();
    const gone = single.post(
      '/generate',
      { prompt: 'x', max_new_tokens: 2000 },
      { headers: { 'content-type': 'application/json' }, signal: controller.signal },
    );
    const left = expect(gone).rejects.toThrow('abort');
    await single.scrapeUntil('vllm:num_requests_running', 1);
    const next = single.post('/generate', { prompt: 'x', max_new_tokens: 2 });
    await single.scrapeUntil('vllm:num_requests_waiting', 1);
    controller.abort();
    await left;
    expect((await next).status).toBe(200);
    await single.stop();
    const outcomes = single.logs.filter(({ msg }) => msg === 'request').map(({ outcome }) => outcome);
    expect(outcomes).toEqual(['cancelled', 'length']);
  });
});

describe('a model without a chat template', () => {
  it('continues the raw prompt', async () => {
    const folder = folders.copyOf(fixture('smollm3'));
    folders.delete(`${folder}/chat_template.jinja`);
    const raw = await ServerProcess.ready({ MODEL_PATH: folder });
    for (const { prompt, chat, input_ids, text, output_ids } of golden('smollm3').generate.slice(0, 6)) {
      if (chat) continue;
      const response = await raw.post('/generate', { prompt, max_new_tokens: output_ids.length });
      expect(await response.json()).toEqual({
        response: text,
        input_token_count: input_ids.length,
        output_token_count: output_ids.length,
      });
    }
    await raw.stop();
  });
});

describe('the configuration', () => {
  it('limits max_new_tokens, and its default with it', async () => {
    const limited = await ServerProcess.ready({ MAX_NEW_TOKENS: '10' });
    const response = await limited.post('/generate', { prompt: QUESTION });
    expect(await response.json()).toMatchObject({ output_token_count: 10 });
    const refused = await limited.post('/generate', { prompt: QUESTION, max_new_tokens: 11 });
    expect(await refused.json()).toMatchObject({ detail: [{ type: 'less_than_equal', ctx: { le: 10 } }] });
    await limited.stop();
  });

  it('names the model and cuts the context', async () => {
    const named = await ServerProcess.ready({ MODEL_ID: 'my-model', MAX_MODEL_LEN: '64', MODEL_PATH: DEMO_MODEL });
    expect(await named.log('model ready')).toMatchObject({ model: 'my-model', context_length: 64 });
    await named.stop();
  });

  it('of the model decides how an answer ends', async () => {
    const folder = folders.copyOf(DEMO_MODEL);
    editJson(`${folder}/generation_config.json`, { eos_token_id: [2, 16] });
    const other = await ServerProcess.ready({ MODEL_PATH: folder });
    const response = await other.post('/generate', { prompt: QUESTION });
    expect(((await response.json()) as { response: string }).response).toMatch(/over HTTP$/);
    await other.stop();
  });
});
