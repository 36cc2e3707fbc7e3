/** Probes are answered at once, whatever the server is busy with. */
import { Agent, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import type { Scrape } from '../support/metrics.js';
import { ENDLESS, ServerProcess } from '../support/server.js';

const PROBES = ['/health', '/health/startup', '/health/live', '/health/ready'];
const ROUNDS = 50;
const IDLE_SOCKETS = 500;
const STREAMS = 8;
const MOST_MS = 20;
/** On a machine that has other work, a probe takes longer also when the server has nothing to do. */
const MOST_OF_REST = 5;
/** What else it has to do may pass. */
const MOST_TRIES = 5;
/** What grows while prompts are read and answers are written. */
const WORK = ['roost_steps_total{kind="prefill"}', 'roost_steps_total{kind="decode"}'];

let server: ServerProcess;
beforeAll(async () => (server = await ServerProcess.ready({ MAX_BATCH_SIZE: '10' })));
afterAll(() => server.stop());

/** How long a request takes, in ms; it must be answered with 200. */
function timed(url: string, agent: Agent): Promise<number> {
  const began = performance.now();
  return new Promise((resolve, reject) => {
    request(url, { agent }, (response) => {
      expect(response.statusCode).toBe(200);
      response.resume().once('end', () => resolve(performance.now() - began));
    })
      .once('error', reject)
      .end();
  });
}

/** Milliseconds that each of the probes took, sorted. */
async function probe(): Promise<number[]> {
  const agent = new Agent({ keepAlive: true });
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    for (const path of PROBES) times.push(await timed(await server.url(path), agent));
  }
  agent.destroy();
  return times.sort((a, b) => a - b);
}

const quantile = (sorted: readonly number[], q: number): number => sorted[Math.floor(q * (sorted.length - 1))];
const median = (sorted: readonly number[]): number => quantile(sorted, 0.5);

/** Asks again and again until it is told to stop. */
async function keepAsking(body: (round: number) => object, signal: AbortSignal): Promise<void> {
  for (let round = 0; !signal.aborted; round++) {
    try {
      const response = await server.post('/v1/completions', body(round), { signal });
      expect(response.status).toBe(200);
      await response.text();
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}

it(`with ${IDLE_SOCKETS} idle sockets, ${STREAMS} streams and a long prompt`, async () => {
  const { hostname, port } = new URL(await server.url());
  await probe();
  const atRest = await probe();
  const sockets: Socket[] = [];
  for (let i = 0; i < IDLE_SOCKETS; i++) {
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    sockets.push(socket);
  }
  const stopped = new AbortController();
  const asking = Array.from({ length: STREAMS }, () => keepAsking(() => ENDLESS, stopped.signal));
  // A prompt that nothing is cached of is always being read.
  const long = (round: number): object => ({ prompt: `${round} some words `.repeat(300), max_tokens: 1 });
  asking.push(keepAsking(long, stopped.signal));
  const before = await server.scrape();
  let busy: readonly number[] = [Infinity];
  for (let tries = 0; tries < MOST_TRIES && median(busy) >= MOST_MS;) {
    const times = await probe();
    // Streams that began together end together, and are asked for again: for a moment there is none.
    if (!isWorking(before, await server.scrape())) continue;
    if (median(times) < median(busy)) busy = times;
    tries++;
  }
  stopped.abort();
  await Promise.all(asking);
  for (const socket of sockets) socket.destroy();
  const atRestAgain = await probe();
  const told = [atRest, busy, atRestAgain].map((times) =>
    [0.5, 0.95, 1].map((q) => quantile(times, q).toFixed(1)).join(' / '),
  );
  process.stdout.write(`probes, p50 / p95 / most in ms: at rest ${told[0]}; busy ${told[1]}; at rest ${told[2]}\n`);
  const rest = Math.max(median(atRest), median(atRestAgain));
  expect(median(busy)).toBeLessThan(Math.max(MOST_MS, MOST_OF_REST * rest));
});

/** Whether prompts were read and answers written between two scrapes, and all of the streams run at the second. */
function isWorking(before: Scrape, after: Scrape): boolean {
  const running = after.of('vllm:num_requests_running') ?? 0;
  return running >= STREAMS && WORK.every((sample) => (after.of(sample) ?? 0) > (before.of(sample) ?? 0));
}
