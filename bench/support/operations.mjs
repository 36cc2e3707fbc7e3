import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { runClients } from './clients.mjs';
import { httpClient } from './dialects.mjs';
import { environment } from './environment.mjs';
import { makePrompts } from './prompts.mjs';
import { Server } from './server.mjs';
import { median, summarize } from './statistics.mjs';
import { floatBytes } from './weights.mjs';

const STREAMS = 8;
const IDLE_MS = 1000;
const PROBE_EVERY_MS = 5;

/** Memory of our server before its first request, and how fast it answers probes with nothing to do and with a lot. */
export async function measureServer(values, { long, seconds }) {
  const short = makePrompts(values.model, 50);
  // A prompt overshoots by the pieces of its last word.
  const longer = makePrompts(values.model, long - 4, 8);
  const server = await Server.own(environment(values));
  const idleBytes = server.group.residentBytes;
  const probesIdle = await probeDuring(server.url, setTimeout(IDLE_MS));
  const streams = httpClient(server.url, 'roost', { newTokens: 64 });
  const prefills = httpClient(server.url, 'roost', { newTokens: 1 });
  const work = { perClient: 1, seconds, first: 0 };
  const probesBusy = await probeDuring(
    server.url,
    Promise.all([
      runClients(streams.ask, { ...work, clients: STREAMS, prompts: short }),
      runClients(prefills.ask, { ...work, clients: 1, prompts: longer }),
    ]),
  );
  streams.close();
  prefills.close();
  await server.stop();
  return { idleBytes, floatBytes: floatBytes(values.model), probesIdle, probesBusy };
}

/** Seconds from process start to ready, with an empty CACHE_DIR and with what that start left in it. */
export async function measureStarts(values, { rounds }) {
  const starts = [];
  for (let round = 0; round < rounds; round++) {
    const folder = mkdtempSync(join(tmpdir(), 'bench-cache-'));
    const start = async () => {
      const server = await Server.own({ ...environment(values), CACHE_DIR: folder });
      await server.stop();
      return server.secondsToReady;
    };
    starts.push({ first: await start(), second: await start() });
    rmSync(folder, { recursive: true });
  }
  return {
    first: median(starts.map(({ first }) => first)),
    second: median(starts.map(({ second }) => second)),
    ratio: median(starts.map(({ first, second }) => second / first)),
  };
}

/** Latencies of the liveness probe in ms, asked again and again until the work is done. */
async function probeDuring(url, work) {
  let done = false;
  const finished = work.finally(() => (done = true));
  const latencies = [];
  while (!done) {
    const asked = performance.now();
    await (await fetch(`${url}/health/live`)).text();
    latencies.push(performance.now() - asked);
    await setTimeout(PROBE_EVERY_MS);
  }
  await finished;
  return summarize(latencies);
}
