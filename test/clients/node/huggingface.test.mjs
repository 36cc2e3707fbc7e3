// Hugging Face's own client for Node against the server.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InferenceClient } from '@huggingface/inference';
import { collect, golden, MESSAGES, url } from './support.mjs';

const PROMPT = 'An Inference Endpoint';

// A server that is not ready answers 503, and this client would ask again and again.
const client = new InferenceClient(undefined, { endpointUrl: url, retry_on_error: false });

test('chatCompletion', async () => {
  const { choices, usage } = await client.chatCompletion({ messages: MESSAGES });
  assert.deepEqual([choices[0].message.content, choices[0].finish_reason], [golden.said, 'stop']);
  assert.equal(usage.completion_tokens, golden.newTokens);
});

test('chatCompletionStream', async () => {
  const chunks = await collect(client.chatCompletionStream({ messages: MESSAGES }));
  assert.equal(chunks.map(({ choices }) => choices[0].delta.content ?? '').join(''), golden.said);
});

test('textGeneration', async () => {
  const { generated_text: text } = await client.textGeneration({ inputs: PROMPT, parameters: { max_new_tokens: 8 } });
  assert.notEqual(text, '');
  // The client sends both to OpenAI's route for completions, and gives the chunks of its streams as they are.
  const chunks = await collect(client.textGenerationStream({ inputs: PROMPT, parameters: { max_new_tokens: 8 } }));
  assert.equal(chunks.map(({ choices }) => choices[0].text).join(''), text);
});

test('an endpoint of its own', async () => {
  const endpoint = new InferenceClient('hf_token').endpoint(`${url}/v1/`);
  assert.equal((await endpoint.chatCompletion({ messages: MESSAGES })).choices[0].message.content, golden.said);
});

test('errors are those of the client', async () => {
  const wrong = client.chatCompletion({ messages: MESSAGES, temperature: 3 });
  await assert.rejects(wrong, (error) => error.httpResponse.status === 400);
  const stream = collect(client.chatCompletionStream({ messages: MESSAGES, temperature: 3 }));
  await assert.rejects(stream, /temperature/);
});
