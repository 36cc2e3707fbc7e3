import { Agent, request } from 'node:http';

/**
 * What a server is asked for greedy tokens, and where its answer tells how many there were. All get the same tokens:
 * as text where the server has a chat template to apply, ready-made where it has not.
 */
const DIALECTS = {
  roost: {
    path: '/generate',
    body: ({ text }, newTokens) => ({ prompt: text, max_new_tokens: newTokens, temperature: 0 }),
    read: wholeAnswer((answer) => answer.output_token_count),
  },
  seed: {
    path: '/generate',
    body: ({ text }, newTokens) => ({ prompt: text, max_new_tokens: newTokens }),
    read: wholeAnswer((answer) => answer.output_token_count),
  },
  llama: {
    path: '/completion',
    body: ({ ids }, newTokens) => ({
      prompt: ids,
      n_predict: newTokens,
      temperature: 0,
      ignore_eos: true,
      cache_prompt: false,
    }),
    read: wholeAnswer((answer) => answer.tokens_predicted),
  },
  openai: {
    path: '/v1/completions',
    body: ({ rendered }, newTokens, model) => ({
      model,
      prompt: rendered,
      max_tokens: newTokens,
      temperature: 0,
      stream: true,
      stream_options: { include_usage: true },
    }),
    read: streamedAnswer,
  },
};

export const DIALECT_NAMES = Object.keys(DIALECTS);

/**
 * Asks a server in its dialect, over connections that are kept; `close` gives them up.
 *
 * @param key for a server that asks for one
 * @returns a function: prompt → { tokens, firstMs? }
 */
export function httpClient(url, dialect, { newTokens, model, key }) {
  const { path, body, read } = DIALECTS[dialect];
  const agent = new Agent({ keepAlive: true });
  const ask = async (prompt) => {
    const asked = performance.now();
    return read(await post(agent, `${url}${path}`, JSON.stringify(body(prompt, newTokens, model)), key), asked);
  };
  return { ask, close: () => agent.destroy() };
}

/** The name that an OpenAI server wants to hear. */
export async function modelName(url, dialect) {
  if (dialect !== 'openai') return undefined;
  const { data } = await (await fetch(`${url}/v1/models`)).json();
  return data[0].id;
}

async function post(agent, url, body, key) {
  const response = await send(agent, url, body, key);
  response.setEncoding('utf8');
  if (response.statusCode !== 200) throw new Error(`${url}: ${response.statusCode} ${await textOf(response)}`);
  return response;
}

function send(agent, url, body, key) {
  const headers = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    ...(key && { authorization: `Bearer ${key}` }),
  };
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent, method: 'POST', headers }, resolve);
    sent.once('error', (error) => {
      // Some servers close a connection that they said they would keep.
      if (sent.reusedSocket && error.code === 'ECONNRESET') resolve(send(agent, url, body, key));
      else reject(error);
    });
    sent.end(body);
  });
}

async function textOf(response) {
  let text = '';
  for await (const chunk of response) text += chunk;
  return text;
}

function wholeAnswer(tokens) {
  return async (response) => ({ tokens: tokens(JSON.parse(await textOf(response))) });
}

/** Server-sent events; the last but one has the usage. */
async function streamedAnswer(response, asked) {
  let firstMs;
  let text = '';
  for await (const chunk of response) {
    firstMs ??= performance.now() - asked;
    text += chunk;
  }
  const events = text.split('\n').filter((line) => line.startsWith('data: {'));
  const usage = events.map((line) => JSON.parse(line.slice('data: '.length)).usage).findLast(Boolean);
  if (!usage) throw new Error('the stream reports no usage');
  return { tokens: usage.completion_tokens, firstMs };
}
