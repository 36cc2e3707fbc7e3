// OpenAI's own client for Node against the server: responses.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI from 'openai';
import { zodTextFormat } from 'openai/helpers/zod';
import { collect, EXTRACTION, MIA, Person, QUESTION, url } from './support.mjs';

const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0, timeout: 60_000 });
const model = 'demo';
const ANSWER =
  'An Inference Endpoint is a server that loads a model and answers requests over HTTP. ' +
  'You send a prompt to it and get generated text back.';
const WEATHER = {
  type: 'function',
  name: 'get_weather',
  description: 'Get the weather of a city.',
  parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  strict: false,
};

test('a response', async () => {
  const response = await client.responses.create({ model, input: QUESTION });
  assert.deepEqual([response.output_text, response.status], [ANSWER, 'completed']);
  assert.equal(response.usage.input_tokens + response.usage.output_tokens, response.usage.total_tokens);
});

test('a response as a stream', async () => {
  const events = await collect(await client.responses.create({ model, input: QUESTION, stream: true }));
  const deltas = events.filter(({ type }) => type === 'response.output_text.delta');
  assert.equal(deltas.map(({ delta }) => delta).join(''), ANSWER);
  assert.equal(events.at(-1).type, 'response.completed');
});

test('the helper for streams', async () => {
  const stream = client.responses.stream({ model, input: QUESTION });
  let text = '';
  stream.on('response.output_text.delta', ({ delta }) => (text += delta));
  assert.equal((await stream.finalResponse()).output_text, ANSWER);
  assert.equal(text, ANSWER);
});

test('functions, as a stream and back', async () => {
  const request = { model, tools: [WEATHER] };
  const input = [{ role: 'user', content: 'What is the weather in Oslo?' }];
  const { output } = await client.responses.stream({ ...request, input }).finalResponse();
  const call = output.find(({ type }) => type === 'function_call');
  assert.deepEqual([call.name, JSON.parse(call.arguments)], ['get_weather', { city: 'Oslo' }]);
  const result = { type: 'function_call_output', call_id: call.call_id, output: 'sunny' };
  const answer = await client.responses.create({ ...request, input: [...input, ...output, result] });
  assert.equal(answer.output_text, 'It is sunny in Oslo.');
});

test('parse, with zod', async () => {
  const request = { model, input: EXTRACTION, text: { format: zodTextFormat(Person, 'person') } };
  assert.deepEqual((await client.responses.parse(request)).output_parsed, MIA);
  assert.deepEqual((await client.responses.stream(request).finalResponse()).output_parsed, MIA);
});

test('errors are those of the client', async () => {
  const wrong = client.responses.create({ model, input: QUESTION, previous_response_id: 'resp_1' });
  await assert.rejects(wrong, (error) => {
    return error instanceof OpenAI.BadRequestError && error.param === 'previous_response_id';
  });
  await assert.rejects(client.responses.retrieve('resp_1'), OpenAI.NotFoundError);
});
