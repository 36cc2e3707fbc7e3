// OpenAI's own client for Node against the server.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI from 'openai';
import { collect, golden, MESSAGES, url } from './support.mjs';

const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0, timeout: 60_000 });
const [{ id: model }] = (await client.models.list()).data;

test('chat', async () => {
  const completion = await client.chat.completions.create({ model, messages: MESSAGES });
  const [{ message, finish_reason }] = completion.choices;
  assert.deepEqual([message.role, message.content, finish_reason], ['assistant', golden.text, 'stop']);
  assert.equal(completion.usage.prompt_tokens, golden.promptTokens);
  assert.equal(completion.usage.completion_tokens, golden.newTokens);
});

test('chat as a stream', async () => {
  const options = { model, messages: MESSAGES, stream: true, stream_options: { include_usage: true } };
  const chunks = await collect(await client.chat.completions.create(options));
  const usage = chunks.pop();
  assert.equal(chunks.map(({ choices }) => choices[0].delta.content ?? '').join(''), golden.text);
  assert.equal(chunks.at(-1).choices[0].finish_reason, 'stop');
  assert.deepEqual([usage.choices, usage.usage.completion_tokens], [[], golden.newTokens]);
});

test('the helper for streams', async () => {
  const stream = client.chat.completions.stream({ model, messages: MESSAGES });
  let text = '';
  stream.on('content', (delta) => (text += delta));
  assert.equal((await stream.finalChatCompletion()).choices[0].message.content, golden.text);
  assert.equal(text, golden.text);
});

test('a stream that is given up', async () => {
  const stream = await client.chat.completions.create({ model, messages: MESSAGES, stream: true });
  for await (const { choices } of stream) {
    if (choices[0].delta.content) break;
  }
  assert.ok(stream.controller.signal.aborted);
});

test('completions', async () => {
  const prompt = 'An Inference Endpoint';
  const completion = await client.completions.create({ model, prompt });
  const chunks = await collect(await client.completions.create({ model, prompt, stream: true }));
  assert.equal(chunks.map(({ choices }) => choices[0].text).join(''), completion.choices[0].text);
});

test('models', async () => {
  assert.equal((await client.models.retrieve(model)).id, model);
});

test('errors are those of the client', async () => {
  const wrong = client.chat.completions.create({ model, messages: MESSAGES, temperature: 3 });
  await assert.rejects(wrong, (error) => error instanceof OpenAI.BadRequestError && error.param === 'temperature');
  const other = client.chat.completions.create({ model: 'gpt-4', messages: MESSAGES });
  await assert.rejects(other, (error) => error instanceof OpenAI.NotFoundError && error.code === 'model_not_found');
});
