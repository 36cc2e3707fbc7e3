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

test('chatCompletion with parameters', async () => {
  const parameters = {
    max_tokens: 5,
    temperature: 0.8,
    top_p: 0.9,
    seed: 3,
    stop: ['nowhere'],
    logprobs: true,
    top_logprobs: 2,
  };
  const [one, two] = await Promise.all([1, 2].map(() => client.chatCompletion({ messages: MESSAGES, ...parameters })));
  assert.equal(one.choices[0].message.content, two.choices[0].message.content);
  assert.equal(one.choices[0].logprobs.content.length, one.usage.completion_tokens);
  for (const { top_logprobs: top } of one.choices[0].logprobs.content) assert.equal(top.length, 2);
});

test('chatCompletionStream that is given up', async () => {
  const controller = new AbortController();
  const stream = client.chatCompletionStream({ messages: MESSAGES }, { signal: controller.signal });
  await stream.next();
  controller.abort();
  await assert.rejects(collect(stream), { name: 'AbortError' });
  assert.equal((await client.chatCompletion({ messages: MESSAGES })).choices[0].message.content, golden.said);
});

// The client sends both to OpenAI's route for completions, and gives the chunks of its streams as they are.
test('textGeneration', async () => {
  const { generated_text: text } = await client.textGeneration({ inputs: PROMPT, parameters: { max_new_tokens: 8 } });
  assert.notEqual(text, '');
  const chunks = await collect(client.textGenerationStream({ inputs: PROMPT, parameters: { max_new_tokens: 8 } }));
  assert.equal(chunks.map(({ choices }) => choices[0].text).join(''), text);
});

test('textGeneration with parameters of text-generation-inference', async () => {
  const parameters = { max_new_tokens: 8, temperature: 1.2, top_k: 20, top_p: 0.9, repetition_penalty: 1.1, seed: 5 };
  const ask = () => client.textGeneration({ inputs: PROMPT, parameters });
  const [one, two] = [await ask(), await ask()];
  assert.equal(one.generated_text, two.generated_text);
});

test('request to a server of text-generation-inference', async () => {
  const answer = await client.request({ inputs: PROMPT, parameters: { max_new_tokens: 8, details: true } });
  assert.equal(answer.length, 1);
  assert.ok(answer[0].details.tokens.length <= 8);
  const events = await collect(client.streamingRequest({ inputs: PROMPT, parameters: { max_new_tokens: 8 } }));
  assert.equal(events.at(-1).generated_text, answer[0].generated_text);
  const words = events.filter(({ token }) => !token.special).map(({ token }) => token.text);
  assert.equal(words.join(''), answer[0].generated_text);
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
  const text = client.textGeneration({ inputs: 'word '.repeat(3000) });
  await assert.rejects(text, (error) => error.httpResponse.body.error.code === 'context_length_exceeded');
  const tgi = client.request({ inputs: PROMPT, parameters: { temperature: -1 } });
  await assert.rejects(tgi, /Input validation error: parameters.temperature/);
});
