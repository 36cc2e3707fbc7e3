// Anthropic's own client for Node against the server.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { collect, MESSAGES, url } from './support.mjs';

const client = new Anthropic({ baseURL: url, apiKey: 'none', maxRetries: 0, timeout: 60_000 });
const model = 'demo';
const REQUEST = { model, max_tokens: 200, messages: MESSAGES };
const ANSWER =
  'An Inference Endpoint is a server that loads a model and answers requests over HTTP. ' +
  'You send a prompt to it and get generated text back.';
const WEATHER = {
  name: 'get_weather',
  description: 'Get the weather of a city.',
  input_schema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
};

test('a message', async () => {
  const { data: message, request_id } = await client.messages.create(REQUEST).withResponse();
  assert.deepEqual([message.role, message.content[0].text, message.stop_reason], ['assistant', ANSWER, 'end_turn']);
  assert.equal(message.id, `msg_${request_id}`);
});

test('a message as a stream', async () => {
  const events = await collect(await client.messages.create({ ...REQUEST, stream: true }));
  assert.equal(events.map(({ delta }) => delta?.text ?? '').join(''), ANSWER);
  assert.equal(events.at(-1).type, 'message_stop');
});

test('the helper for streams, with a thought', async () => {
  const stream = client.messages.stream({ ...REQUEST, thinking: { type: 'enabled', budget_tokens: 100 } });
  let thinking = '';
  stream.on('thinking', (delta) => (thinking += delta));
  const { content, usage } = await stream.finalMessage();
  assert.deepEqual(
    content.map(({ type }) => type),
    ['thinking', 'text'],
  );
  assert.deepEqual([content[0].thinking, content[1].text], [thinking, ANSWER]);
  assert.notEqual(content[0].signature, '');
  assert.ok(usage.output_tokens > 29);
  // What it sends back is taken.
  const messages = [...MESSAGES, { role: 'assistant', content }, { role: 'user', content: 'what is a token?' }];
  assert.equal((await client.messages.create({ ...REQUEST, messages })).stop_reason, 'end_turn');
});

test('tools, as a stream and back', async () => {
  const request = {
    ...REQUEST,
    tools: [WEATHER],
    messages: [{ role: 'user', content: 'What is the weather in Oslo?' }],
  };
  const call = await client.messages.stream(request).finalMessage();
  assert.equal(call.stop_reason, 'tool_use');
  const [{ id, name, input }] = call.content;
  assert.deepEqual([name, input], ['get_weather', { city: 'Oslo' }]);
  const result = { type: 'tool_result', tool_use_id: id, content: 'sunny' };
  const messages = [
    ...request.messages,
    { role: 'assistant', content: call.content },
    { role: 'user', content: [result] },
  ];
  const { content } = await client.messages.create({ ...request, messages });
  assert.equal(content.at(-1).text, 'It is sunny in Oslo.');
});

test('countTokens', async () => {
  const { input_tokens } = await client.messages.countTokens({ model, messages: MESSAGES });
  const { usage } = await client.messages.create(REQUEST);
  assert.equal(input_tokens, usage.input_tokens + usage.cache_read_input_tokens);
});

test('a stream that is given up', async () => {
  const stream = await client.messages.create({ ...REQUEST, stream: true });
  for await (const { type } of stream) {
    if (type === 'content_block_delta') break;
  }
  assert.ok(stream.controller.signal.aborted);
});

test('errors are those of the client', async () => {
  const wrong = client.messages.create({ ...REQUEST, messages: [] });
  await assert.rejects(wrong, (error) => {
    return (
      error instanceof Anthropic.BadRequestError && error.type === 'invalid_request_error' && error.requestID !== null
    );
  });
  const other = client.messages.create({ ...REQUEST, model: 'claude' });
  await assert.rejects(other, (error) => error instanceof Anthropic.NotFoundError && /claude/.test(error.message));
});
