import { fixture } from '../support/folders.js';
import { demoCases } from '../support/golden.js';
import { parseEvents } from '../support/event-stream.js';
import { ENDLESS, ServerProcess, SLOW_STEPS } from '../support/server.js';

interface Choice {
  readonly index: number;
  readonly text: string;
  readonly message: { readonly content: string; readonly reasoning_content?: string };
  readonly delta: { readonly content?: string; readonly reasoning_content?: string };
  readonly finish_reason: string | null;
  readonly token_ids: readonly number[];
  readonly logprobs: { readonly content: readonly { readonly bytes: readonly number[] }[] };
}

interface Answer {
  readonly system_fingerprint: string;
  readonly choices: readonly Choice[];
  readonly usage: {
    readonly prompt_tokens: number;
    readonly completion_tokens: number;
    readonly prompt_tokens_details: { readonly cached_tokens: number };
  };
}

const CHAT = '/v1/chat/completions';
const QUESTION = [{ role: 'user', content: 'What is an Inference Endpoint?' }];

let server: ServerProcess;
beforeAll(async () => (server = await ServerProcess.ready({ MODEL_ID: 'org/demo' })));
afterAll(() => server.stop());

async function ask(path: string, body: object, of = server): Promise<Answer> {
  const response = await of.post(path, body);
  expect(response.status).toBe(200);
  return (await response.json()) as Answer;
}

/** The choices of all chunks of a stream. */
async function stream(path: string, body: object, of = server): Promise<Choice[]> {
  const response = await of.post(path, { ...body, stream: true });
  expect(response.status).toBe(200);
  const { data } = parseEvents(await response.text());
  expect(data.at(-1)).toBe('[DONE]');
  return data.slice(0, -1).flatMap((chunk) => (JSON.parse(chunk) as Answer).choices);
}

const said = (choices: readonly Choice[], index = 0): string =>
  choices
    .filter((choice) => choice.index === index)
    .map(({ delta, text }) => text ?? delta.content ?? '')
    .join('');

describe('a chat', () => {
  const plain = demoCases().filter(({ tools, template }) => !tools && !template);

  it.each(plain)('gets the golden answer, as JSON and as a stream: $text', async ({ messages, ...expected }) => {
    const { choices, usage } = await ask(CHAT, { messages, return_token_ids: true });
    const { message } = choices[0];
    expect(`<think>\n${message.reasoning_content}\n</think>\n\n${message.content}`).toBe(expected.text);
    expect(choices[0]).toMatchObject({
      finish_reason: 'stop',
      token_ids: expected.output_ids,
    });
    expect(usage).toMatchObject({
      prompt_tokens: expected.input_ids.length,
      completion_tokens: expected.output_ids.length,
    });
    const chunks = await stream(CHAT, { messages });
    expect(said(chunks)).toBe(message.content);
    expect(chunks.map(({ delta }) => delta.reasoning_content ?? '').join('')).toBe(message.reasoning_content);
  });

  it('uses what an earlier one had in common, and says how much', async () => {
    const messages = [{ role: 'user', content: 'what is a token?' }];
    const { choices } = await ask(CHAT, { messages });
    const { content, reasoning_content: thought } = choices[0].message;
    const answer = { role: 'assistant', content: `<think>\n${thought}\n</think>\n\n${content}` };
    const more = [...messages, answer, ...QUESTION];
    const { usage } = await ask(CHAT, { messages: more });
    expect(usage.prompt_tokens_details.cached_tokens).toBeGreaterThan(60);
    expect(usage.prompt_tokens_details.cached_tokens).toBeLessThan(usage.prompt_tokens);
  });

  it('tells what each token says, which together is the answer', async () => {
    const { choices } = await ask(CHAT, { messages: QUESTION, enable_thinking: false, logprobs: true, max_tokens: 20 });
    const [{ logprobs, message }] = choices;
    expect(Buffer.from(logprobs.content.flatMap(({ bytes }) => bytes)).toString()).toBe(message.content);
  });

  it('takes variables of the template', async () => {
    const { choices } = await ask(CHAT, { messages: QUESTION, chat_template_kwargs: { enable_thinking: false } });
    expect(choices[0].message).not.toHaveProperty('reasoning_content');
  });
});

describe('several answers', () => {
  const TEXT = '/v1/completions';
  // After this, the model is not sure of anything.
  const body = { prompt: 'Hi', n: 4, temperature: 2, top_k: 0, max_tokens: 20, seed: 11 };

  it('differ, and are the same again for the same seed and fingerprint, in a stream as well', async () => {
    const one = await ask(TEXT, body);
    const texts = one.choices.map(({ text }) => text);
    expect(new Set(texts).size).toBe(4);
    const again = await ask(TEXT, body);
    expect(again.choices).toEqual(one.choices);
    expect(again.system_fingerprint).toBe(one.system_fingerprint);
    const choices = await stream(TEXT, body);
    expect(texts.map((_, index) => said(choices, index))).toEqual(texts);
    expect((await ask(TEXT, { ...body, n: 1 })).choices[0].text).toBe(texts[0]);
  });

  it('may be many', async () => {
    const { choices } = await ask(CHAT, { messages: QUESTION, n: 100, max_tokens: 2 });
    expect(choices.map(({ index }) => index)).toEqual([...Array(100).keys()]);
    expect(server.noise).toEqual([]);
  });

  it('to texts are those to each text alone', async () => {
    const prompt = ['An Inference Endpoint', 'A token is'];
    const together = await ask(TEXT, { prompt, max_tokens: 8 });
    for (const [i, one] of prompt.entries()) {
      const alone = await ask(TEXT, { prompt: one, max_tokens: 8 });
      expect(together.choices[i].text).toBe(alone.choices[0].text);
    }
  });
});

describe('text of any bytes', () => {
  it('comes in whole characters, and nothing is lost', async () => {
    // With random weights, it is mostly halves of characters.
    const random = await ServerProcess.ready({ MODEL_PATH: fixture('llama') });
    for (let seed = 0; seed < 5; seed++) {
      const body = { prompt: 'x', max_tokens: 60, temperature: 2, top_k: 0, seed, ignore_eos: true };
      const { choices } = await ask('/v1/completions', body, random);
      expect(said(await stream('/v1/completions', body, random))).toBe(choices[0].text);
    }
    await random.stop();
  });
});

describe('tokens', () => {
  it('of a text or a chat are told, and so is the text of tokens', async () => {
    const [{ messages, prompt_text, input_ids }] = demoCases();
    const tokenized = { count: input_ids.length, max_model_len: 2048, tokens: input_ids };
    expect(await (await server.post('/tokenize', { messages })).json()).toEqual(tokenized);
    expect(await (await server.post('/tokenize', { prompt: prompt_text })).json()).toEqual(tokenized);
    expect(await (await server.post('/detokenize', { tokens: input_ids })).json()).toEqual({ prompt: prompt_text });
  });

  it.each([{}, { prompt: 'a', messages: QUESTION }])('need one of both: %j', async (body) => {
    const response = await server.post('/tokenize', body);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { param: 'prompt' } });
  });
});

describe('a model', () => {
  it('is found by a name with slashes', async () => {
    expect(await (await server.fetch('/v1/models/org/demo')).json()).toMatchObject({ id: 'org/demo' });
    expect((await server.post(CHAT, { model: 'org/demo', messages: QUESTION })).status).toBe(200);
    expect((await server.post(CHAT, { model: 'demo', messages: QUESTION })).status).toBe(404);
  });
});

describe('a prompt longer than the context', () => {
  it('is refused with the count and the limit, in a stream before it begins', async () => {
    for (const stream of [true, false]) {
      const response = await server.post('/v1/completions', { prompt: 'word '.repeat(3000), stream });
      expect(response.status).toBe(400);
      const { error } = (await response.json()) as { error: { message: string; code: string } };
      expect(error.code).toBe('context_length_exceeded');
      expect(error.message).toMatch(/the prompt has \d{4} tokens.* the context holds 2048/);
    }
  });
});

describe('a stream that ends early', () => {
  const slow = { MODEL_PATH: fixture('llama'), ...SLOW_STEPS };

  it('because its client goes frees its slot', async () => {
    const single = await ServerProcess.ready({ ...slow, MAX_BATCH_SIZE: '1' });
    const controller = new AbortController();
    const response = await single.post('/v1/completions', ENDLESS, {
      headers: { 'content-type': 'application/json' },
      signal: controller.signal,
    });
    await response.body?.getReader().read();
    controller.abort();
    const line = await single.log('request');
    expect(line).toMatchObject({ outcome: 'cancelled' });
    expect(line.new_tokens).toBeLessThan(ENDLESS.max_tokens);
    expect((await single.post('/v1/completions', { prompt: 'x', max_tokens: 2 })).status).toBe(200);
    await single.stop();
    expect(single.noise).toEqual([]);
  });

  it('because the server stops and has no time to drain says so, and the process ends with 0', async () => {
    const stopping = await ServerProcess.ready({ ...slow, SHUTDOWN_TIMEOUT: '0' });
    const response = await stopping.post('/v1/completions', ENDLESS);
    const exit = stopping.stop();
    const { data } = parseEvents(await response.text());
    expect(JSON.parse(data.at(-1) as string)).toMatchObject({ error: { code: 'model_not_loaded' } });
    expect(await exit).toEqual({ code: 0, signal: null });
  });
});
