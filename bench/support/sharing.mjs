import { EventEmitter, once } from 'node:events';
import { httpClient } from './dialects.mjs';
import { randomTokens } from './prompts.mjs';
import { Server } from './server.mjs';
import { median, summarize } from './statistics.mjs';

const KEYS = { light: 'key-of-the-light-one', heavy: 'key-of-the-heavy-one' };
const LIGHT_ANSWER = 2;
/** Of any model: tokens below are there. */
const SMALLEST_VOCABULARY = 1000;
/** Answers of the heavy client after which its flood is at its height. */
const WARM_UP = 4;

/** What the heavy client asks for, in tokens. */
const FLOODS = {
  'while another floods with long answers': { prompt: 50, answer: 200 },
  'with long prompts': { prompt: 1900, answer: 5 },
  'with short prompts and answers': { prompt: 30, answer: 10 },
  'with prompts and answers of some length': { prompt: 600, answer: 100 },
};

/**
 * Times to first token of one client, alone and while another always has `depth` requests open.
 *
 * @param prompts their lengths in tokens
 */
export async function measureSharing(env, { rounds, prompts, depth }) {
  const server = await Server.own({ ...env, API_KEY: Object.values(KEYS).join(',') });
  const ask = asker(server.url);
  const light = await ask(KEYS.light, LIGHT_ANSWER);
  const timesOf = async (prompt) => {
    const times = [];
    for (let round = 0; round < rounds; round++) times.push((await light.ask(prompt)).firstMs);
    return times;
  };
  const alone = [];
  for (const prompt of prompts) {
    await light.ask(prompt);
    alone.push({ prompt, firstMs: median(await timesOf(prompt)) });
  }
  const floods = [];
  for (const [name, flood] of Object.entries(FLOODS)) {
    const heavy = await beginFlood(await ask(KEYS.heavy, flood.answer), flood.prompt, depth);
    // One that was there lately.
    await light.ask(prompts[0]);
    const waits = [];
    for (const { prompt, firstMs } of alone) {
      const times = await timesOf(prompt);
      waits.push({ prompt, firstMs: median(times), ratios: summarize(times.map((ms) => ms / firstMs)) });
    }
    await heavy.stop();
    floods.push({ name, ...flood, waits });
  }
  light.close();
  await server.stop();
  return { alone, floods };
}

/** Asks for prompts of so many tokens, no two of which begin alike. */
function asker(url) {
  let seed = 0;
  return async (key, newTokens) => {
    const { data } = await (await fetch(`${url}/v1/models`, { headers: { 'x-api-key': key } })).json();
    const client = httpClient(url, 'openai', { newTokens, model: data[0].id, key });
    const ask = (tokens) => client.ask({ rendered: randomTokens(++seed, tokens, SMALLEST_VOCABULARY) });
    return { ask, close: client.close };
  };
}

/** Requests that are followed by others, until it is stopped. */
async function beginFlood({ ask, close }, prompt, depth) {
  let answered = 0;
  let stopped = false;
  const progress = new EventEmitter();
  const one = async () => {
    while (!stopped) {
      try {
        await ask(prompt);
      } catch (error) {
        if (!stopped) throw error;
      }
      if (++answered === WARM_UP) progress.emit('height');
    }
  };
  const atHeight = once(progress, 'height');
  const all = Promise.all(Array.from({ length: depth }, one));
  await Promise.race([atHeight, all]);
  return {
    stop: () => {
      stopped = true;
      close();
      return all;
    },
  };
}
