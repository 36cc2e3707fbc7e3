// OpenAI's own client for Node against the server.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI from 'openai';
import { zodFunction, zodResponseFormat } from 'openai/helpers/zod';
import { z } from 'zod';
import { collect, EXTRACTION, golden, MESSAGES, MIA, Person, url } from './support.mjs';

const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0, timeout: 60_000 });
const [{ id: model }] = (await client.models.list()).data;

test('chat', async () => {
  const completion = await client.chat.completions.create({ model, messages: MESSAGES });
  const [{ message, finish_reason }] = completion.choices;
  assert.deepEqual([message.role, message.content, finish_reason], ['assistant', golden.said, 'stop']);
  assert.equal(message.reasoning_content, golden.thought);
  assert.equal(completion.usage.prompt_tokens, golden.promptTokens);
  assert.equal(completion.usage.completion_tokens, golden.newTokens);
});

test('chat as a stream', async () => {
  const options = { model, messages: MESSAGES, stream: true, stream_options: { include_usage: true } };
  const chunks = await collect(await client.chat.completions.create(options));
  const usage = chunks.pop();
  assert.equal(chunks.map(({ choices }) => choices[0].delta.content ?? '').join(''), golden.said);
  assert.equal(chunks.map(({ choices }) => choices[0].delta.reasoning_content ?? '').join(''), golden.thought);
  assert.equal(chunks.at(-1).choices[0].finish_reason, 'stop');
  assert.deepEqual([usage.choices, usage.usage.completion_tokens], [[], golden.newTokens]);
});

test('the helper for streams', async () => {
  const stream = client.chat.completions.stream({ model, messages: MESSAGES });
  let text = '';
  stream.on('content', (delta) => (text += delta));
  assert.equal((await stream.finalChatCompletion()).choices[0].message.content, golden.said);
  assert.equal(text, golden.said);
});

const parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
const WEATHER = { name: 'get_weather', description: 'Get the weather of a city.', parameters };
const WHERE = [{ role: 'user', content: 'What is the weather in Oslo?' }];

test('tools, and the helper for streams with them', async () => {
  const body = { model, messages: WHERE, tools: [{ type: 'function', function: WEATHER }] };
  const [{ message, finish_reason }] = (await client.chat.completions.create(body)).choices;
  assert.deepEqual([message.content, finish_reason, message.tool_calls.length], [null, 'tool_calls', 1]);
  const called = message.tool_calls[0].function;
  assert.deepEqual([called.name, JSON.parse(called.arguments)], ['get_weather', { city: 'Oslo' }]);
  const stream = client.chat.completions.stream(body);
  const deltas = [];
  stream.on('tool_calls.function.arguments.delta', ({ arguments_delta: delta }) => deltas.push(delta));
  const [streamed] = (await stream.finalChatCompletion()).choices;
  const { name, arguments: text } = streamed.message.tool_calls[0].function;
  assert.deepEqual([name, text, deltas.join('')], [called.name, called.arguments, called.arguments]);
});

test('the runner of tools', async () => {
  for (const stream of [false, true]) {
    const asked = [];
    const weather = ({ city }) => asked.push(city) && 'sunny';
    const tools = [{ type: 'function', function: { ...WEATHER, function: weather, parse: JSON.parse } }];
    const runner = client.chat.completions.runTools({ model, messages: WHERE, tools, stream });
    assert.equal(await runner.finalContent(), 'It is sunny in Oslo.');
    assert.deepEqual(asked, ['Oslo']);
  }
});

test('tools of zod', async () => {
  const { name, description } = WEATHER;
  const weather = zodFunction({ name, description, parameters: z.object({ city: z.string() }) });
  const { choices } = await client.chat.completions.parse({ model, messages: WHERE, tools: [weather] });
  assert.deepEqual(choices[0].message.tool_calls[0].function.parsed_arguments, { city: 'Oslo' });
});

const EXTRACT = {
  model,
  messages: [{ role: 'user', content: EXTRACTION }],
  response_format: zodResponseFormat(Person, 'person'),
};

test('parse, with zod', async () => {
  const [{ message, finish_reason }] = (await client.chat.completions.parse(EXTRACT)).choices;
  assert.deepEqual([message.parsed, finish_reason], [MIA, 'stop']);
});

test('parse, with zod, as a stream', async () => {
  const stream = client.chat.completions.stream(EXTRACT);
  const pieces = [];
  stream.on('content.delta', ({ parsed }) => pieces.push({ ...parsed }));
  const [{ message }] = (await stream.finalChatCompletion()).choices;
  assert.deepEqual(message.parsed, MIA);
  assert.deepEqual(pieces.at(-1), MIA);
});

test('response_format, though the question asks for no JSON', async () => {
  const schema = { type: 'object', properties: { answer: { enum: [7, 8] } }, required: ['answer'] };
  const response_format = { type: 'json_schema', json_schema: { name: 'answer', strict: true, schema } };
  const { choices } = await client.chat.completions.create({ model, messages: MESSAGES, response_format });
  assert.match(choices[0].message.content, /^\{"answer": ?[78]\}$/);
});

test('thinking is turned off', async () => {
  const completion = await client.chat.completions.create({ model, messages: MESSAGES, reasoning_effort: 'none' });
  const [{ message }] = completion.choices;
  assert.deepEqual([message.content, message.reasoning_content], [golden.said, undefined]);
  assert.equal(completion.usage.completion_tokens_details.reasoning_tokens, 0);
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
