import { setTimeout } from 'node:timers/promises';
import { median } from './statistics.mjs';
import { EndlessStreams } from './streams.mjs';

const SHORT_PROMPT = 10;
const STREAMS = 4;

/** How long 10 tokens wait for their first answer, alone and while a long prompt is read. Times in ms. */
export async function measureFirstToken(streams, { long, rounds, chunks }) {
  const alone = [];
  const prefills = [];
  const during = [];
  for (let round = 0; round < rounds; round++) {
    alone.push(await streams.firstToken(SHORT_PROMPT));
    prefills.push(await streams.firstToken(long));
    const prefill = streams.firstToken(long);
    // Another moment of the prefill in each round.
    await setTimeout((median(prefills) * (round + 0.5)) / (rounds + 0.5));
    during.push(await streams.firstToken(SHORT_PROMPT));
    await prefill;
  }
  const chunk = median(prefills) / chunks;
  return {
    alone: median(alone),
    during: median(during),
    worst: Math.max(...during),
    prefill: median(prefills),
    chunk,
    waitInChunks: (median(during) - median(alone)) / chunk,
  };
}

/** Tokens per second of running streams, before and while a long prompt is read. */
export async function measurePace(streams, { long, rounds }) {
  const running = new EndlessStreams(streams, STREAMS, { promptTokens: SHORT_PROMPT, newTokens: 256 });
  await running.allRunning;
  const paces = [];
  for (let round = 0; round < rounds; round++) {
    const began = performance.now();
    await setTimeout(1000);
    const arrived = performance.now();
    await streams.firstToken(long);
    paces.push({ before: running.pace(began, arrived), during: running.pace(arrived, performance.now()) });
  }
  await running.stop();
  return {
    before: median(paces.map(({ before }) => before)),
    during: median(paces.map(({ during }) => during)),
    ratio: median(paces.map(({ before, during }) => during / before)),
  };
}

/** Time to first token of a long first turn, and of the second, which has the first and its answer in front. In ms. */
export async function measureChat(streams, { long, rounds }) {
  const turns = [];
  for (let round = 0; round < rounds; round++) {
    const prompt = streams.prompt(long);
    const first = await streams.answer(prompt, 16);
    const second = await streams.answer([...prompt, ...first.tokens, ...streams.prompt(16)], 1);
    turns.push({ first: first.times[0], second: second.times[0] });
  }
  return {
    first: median(turns.map(({ first }) => first)),
    second: median(turns.map(({ second }) => second)),
    ratio: median(turns.map(({ first, second }) => second / first)),
  };
}
