import { quantile } from './statistics.mjs';

const WORDS = 'the quick brown fox jumps over lazy dog while import function return class model server token'.split(
  ' ',
);

/** A prompt of about that many tokens, another one for each number. */
export function prompt(number, words) {
  return Array.from({ length: words }, (_, i) => WORDS[(number * 7 + i * i + i) % WORDS.length]).join(' ');
}

async function generate(url, body) {
  const started = performance.now();
  const response = await fetch(`${url}/generate`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  const { output_token_count: tokens } = await response.json();
  return { tokens, ms: performance.now() - started };
}

/**
 * Clients that each ask as soon as they have their answer, until there were `requests`.
 *
 * @returns tokens per second over all, and the latency of a whole answer
 */
export async function load(url, { clients, requests, words, newTokens }) {
  let next = 0;
  let tokens = 0;
  const latencies = [];
  const started = performance.now();
  const client = async () => {
    while (next < requests) {
      const answer = await generate(url, { prompt: prompt(next++, words), max_new_tokens: newTokens, temperature: 0 });
      tokens += answer.tokens;
      latencies.push(answer.ms);
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  const seconds = (performance.now() - started) / 1000;
  return {
    tokensPerSecond: tokens / seconds,
    latencyP50: quantile(latencies, 0.5),
    latencyP99: quantile(latencies, 0.99),
  };
}

/** Time to first token, in ms: that of a whole answer of one token. */
export async function firstToken(url, { times, words }) {
  const latencies = [];
  for (let i = 0; i < times; i++) {
    latencies.push((await generate(url, { prompt: prompt(1000 + i, words), max_new_tokens: 1 })).ms);
  }
  return { p50: quantile(latencies, 0.5), p99: quantile(latencies, 0.99) };
}

/** Latency of a probe, in ms, asked again and again while `work` runs. */
export async function probesDuring(url, work) {
  let done = false;
  const running = work().finally(() => (done = true));
  const latencies = [];
  while (!done) {
    const started = performance.now();
    await (await fetch(`${url}/health/live`)).text();
    latencies.push(performance.now() - started);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await running;
  return {
    count: latencies.length,
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
    max: Math.max(...latencies),
  };
}
