import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout } from 'node:timers/promises';

/** What torch and transformers answered, greedily. */
const { cases } = JSON.parse(readFileSync(new URL('../../../models/demo/golden.json', import.meta.url), 'utf8'));
const QUESTIONS = cases.filter(({ messages, tools, template }) => messages.length === 1 && !tools && !template);
/** As the Messages API asks unless it is told to think. */
const THOUGHTLESS = cases.filter(({ template }) => template?.enable_thinking === false);
const CALLS = cases.filter(({ text }) => text.startsWith('<tool_call>'));
const SCHEMA = {
  type: 'object',
  properties: { city: { type: 'string', maxLength: 20 }, sure: { type: 'boolean' } },
  required: ['city', 'sure'],
  additionalProperties: false,
};
const LONG = { max_tokens: 1500, ignore_eos: true };
const GREEDY = { temperature: 0, max_tokens: 200 };

/** What it says once it has thought. */
const spoken = (text) => text.slice(text.indexOf('</think>') + 1).replace(/^\/think>\n\n/, '');
const HEAD = 'POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n';
const joined = (parts) => parts.map((part) => part ?? '').join('');

/** A connection on which these bytes are sent; that the server ends it is no matter. */
function begin(url, bytes) {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname).on('error', () => undefined);
  socket.write(bytes);
  return socket;
}

/**
 * Each asks for something and checks what it gets, and throws if that is not what it must be.
 *
 * @type {Record<string, (http: Http, random: Random) => Promise<void>>}
 */
export const TRAFFIC = {
  async seed(http, random) {
    const { messages, text, input_ids, output_ids } = random.pick(QUESTIONS);
    const answer = await http.json('/generate', { prompt: messages[0].content });
    const counts = { input_token_count: input_ids.length, output_token_count: output_ids.length };
    assert.deepEqual(answer, { response: text, ...counts });
  },

  async completion(http, random) {
    const { prompt_text: prompt, text } = random.pick(QUESTIONS);
    const { choices } = await http.json('/v1/completions', { prompt, ...GREEDY });
    assert.equal(choices[0].text, text);
  },

  async 'completion, several at a time'(http, random) {
    const picked = [random.pick(QUESTIONS), random.pick(QUESTIONS)];
    const prompt = picked.map(({ prompt_text: one }) => one);
    const { choices } = await http.json('/v1/completions', { prompt, n: 2, ...GREEDY });
    const texts = picked.flatMap(({ text }) => [text, text]);
    assert.deepEqual(
      choices.map(({ text }) => text),
      texts,
    );
  },

  async chat(http, random) {
    const { messages, text } = random.pick(QUESTIONS);
    const { choices } = await http.json('/v1/chat/completions', { messages, ...GREEDY });
    assert.equal(choices[0].message.content, spoken(text));
  },

  async 'chat, streamed'(http, random) {
    const { messages, text } = random.pick(QUESTIONS);
    const events = await http.events('/v1/chat/completions', { messages, ...GREEDY, stream: true });
    assert.equal(joined(events.map(({ choices }) => choices[0]?.delta.content)), spoken(text));
  },

  async 'tool call'(http, random) {
    const { messages, tools, text } = random.pick(CALLS);
    const { choices } = await http.json('/v1/chat/completions', { messages, tools, ...GREEDY });
    const called = choices[0].message.tool_calls.map(({ function: one }) => one);
    const expected = JSON.parse(text.replace(/<\/?tool_call>/g, ''));
    assert.deepEqual(
      called.map(({ name, arguments: json }) => ({ name, arguments: JSON.parse(json) })),
      [expected],
    );
  },

  async 'structured output'(http, random) {
    const { messages } = random.pick(QUESTIONS);
    const response_format = { type: 'json_schema', json_schema: { name: 'capital', schema: SCHEMA, strict: true } };
    const body = { messages, response_format, temperature: 1, seed: random.integer(1e6) };
    const { choices } = await http.json('/v1/chat/completions', body);
    const { city, sure, ...rest } = JSON.parse(choices[0].message.content);
    assert.deepEqual([typeof city, typeof sure, rest], ['string', 'boolean', {}]);
  },

  async message(http, random) {
    const { messages, text } = random.pick(THOUGHTLESS);
    const { content } = await http.json('/v1/messages', { messages, ...GREEDY });
    assert.equal(content.find(({ type }) => type === 'text').text, text);
  },

  async 'message, streamed'(http, random) {
    const { messages, text } = random.pick(THOUGHTLESS);
    const events = await http.events('/v1/messages', { messages, ...GREEDY, stream: true });
    assert.equal(joined(events.map(({ delta }) => delta?.text)), text);
    assert.equal(events.at(-1).type, 'message_stop');
  },

  async response(http, random) {
    const { messages, text } = random.pick(QUESTIONS);
    const { output } = await http.json('/v1/responses', { input: messages[0].content, temperature: 0 });
    assert.equal(output.find(({ type }) => type === 'message').content[0].text, spoken(text));
  },

  async 'response, streamed'(http, random) {
    const { messages, text } = random.pick(QUESTIONS);
    const body = { input: messages[0].content, temperature: 0, stream: true };
    const events = await http.events('/v1/responses', body);
    const deltas = events.filter(({ type }) => type === 'response.output_text.delta');
    assert.equal(joined(deltas.map(({ delta }) => delta)), spoken(text));
    assert.equal(events.at(-1).type, 'response.completed');
  },

  async 'text-generation-inference'(http, random) {
    const { prompt_text: inputs, text } = random.pick(QUESTIONS);
    const [{ generated_text: generated }] = await http.json('/', { inputs, parameters: { max_new_tokens: 200 } });
    assert.equal(generated, text);
  },

  async 'text-generation-inference, streamed'(http, random) {
    const { prompt_text: inputs, text } = random.pick(QUESTIONS);
    const events = await http.events('/generate_stream', { inputs, parameters: { max_new_tokens: 200 } });
    assert.equal(events.at(-1).generated_text, text);
  },

  async 'random sampling'(http, random) {
    const { messages } = random.pick(QUESTIONS);
    const body = { messages, temperature: 1.2, top_p: 0.95, max_tokens: 40, n: 2, logprobs: true, top_logprobs: 3 };
    const { choices, usage } = await http.json('/v1/chat/completions', { ...body, seed: random.integer(1e6) });
    assert.equal(choices.length, 2);
    assert.ok(usage.completion_tokens >= 2 && usage.completion_tokens <= 80);
  },

  async 'long prompt'(http, random) {
    const prompt = Array.from({ length: 300 }, () => random.integer(1e6).toString(36)).join(' ');
    const { usage } = await http.json('/v1/completions', { prompt, max_tokens: 2, truncate_prompt_tokens: 1500 });
    assert.ok(usage.prompt_tokens > 300);
  },

  async 'time limit'(http) {
    const { choices } = await http.json('/v1/completions', { prompt: 'x', ...LONG, timeout: 0.2 });
    assert.equal(choices[0].finish_reason, 'length');
  },

  async 'explained, counted, listed, probed'(http, random) {
    const { messages, input_ids } = random.pick(THOUGHTLESS);
    const request = { messages };
    const { input_tokens: counted } = await http.json('/v1/messages/count_tokens', request);
    assert.equal(counted, input_ids.length);
    await http.json('/v1/explain', { route: '/v1/chat/completions', request });
    assert.equal((await http.json('/v1/models')).data.length, 1);
    for (const probe of ['', '/startup', '/live', '/ready']) await http.json(`/health${probe}`);
  },

  async 'left while it streams'(http, random) {
    const response = await http.send('/v1/completions', { prompt: 'Tell me a story', ...LONG, stream: true });
    assert.equal(response.statusCode, 200);
    let parts = random.integer(20);
    response.on('error', () => undefined);
    response.on('data', () => {
      if (parts-- === 0) response.destroy();
    });
    await new Promise((resolve) => response.once('close', resolve));
  },

  async 'left while it waits'(http, random) {
    const signal = AbortSignal.timeout(random.integer(150));
    const asked = http.text('/v1/completions', { prompt: 'Tell me a story', ...LONG }, { signal });
    await assert.rejects(asked, { name: 'AbortError' });
  },

  /** Asks for a long answer and reads none of it, for a while. */
  async 'does not read'(http, random) {
    const body = JSON.stringify({ prompt: 'x', ...LONG, stream: true, logprobs: 5 });
    const socket = begin(http.url, `${HEAD}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`).pause();
    await setTimeout(500 + random.integer(8000));
    socket.destroy();
  },

  /** Begins a request and never ends it. */
  async 'is slow to ask'(http, random) {
    const socket = begin(http.url, random.pick([HEAD, `${HEAD}Content-Length: 100\r\n\r\n{"prompt":`]));
    await setTimeout(random.integer(3000));
    socket.destroy();
  },

  async 'asks for what cannot be'(http, random) {
    const [path, body, status] = random.pick([
      ['/generate', { prompt: 1 }, 422],
      ['/generate', '{', 422],
      ['/generate', { prompt: 'word '.repeat(5000) }, 422],
      ['/v1/completions', { prompt: 'x', max_tokens: -1 }, 400],
      ['/v1/completions', { prompt: 'x', n: 1e6 }, 400],
      ['/v1/chat/completions', { messages: [] }, 400],
      ['/v1/chat/completions', { messages: 'x' }, 400],
      ['/v1/messages', { messages: [{ role: 'user', content: 'x' }] }, 400],
      ['/v1/responses', {}, 400],
      ['/', { inputs: 'x', parameters: { temperature: -1 } }, 422],
      ['/nowhere', {}, 404],
    ]);
    const answer = await http.text(path, body);
    assert.equal(answer.status, status, `${path} ${JSON.stringify(body).slice(0, 80)}: ${answer.text.slice(0, 200)}`);
  },
};
