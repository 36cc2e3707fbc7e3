/** Probes are answered at once, whatever the server is busy with. */
import { Agent, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { ServerProcess } from '../support/server.js';

const PROBES = ['/health', '/health/startup', '/health/live', '/health/ready'];
const ROUNDS = 50;
const IDLE_SOCKETS = 500;
const STREAMS = 8;
const MOST_MS = 20;
/** On a machine that has other work, a probe takes longer also when the server has nothing to do. */
const MOST_OF_REST = 5;

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
  const endless = { prompt: 'x', max_tokens: 2000, ignore_eos: true, stream: true };
  const asking = Array.from({ length: STREAMS }, () => keepAsking(() => endless, stopped.signal));
  // A prompt that nothing is cached of is always being read.
  const long = (round: number): object => ({ prompt: `${round} some words `.repeat(300), max_tokens: 1 });
  asking.push(keepAsking(long, stopped.signal));
  await server.fetch('/health/ready');
  const busy = await probe();
  const { running } = await load();
  stopped.abort();
  await Promise.all(asking);
  for (const socket of sockets) socket.destroy();
  const told = [atRest, busy].map((times) => [0.5, 0.95, 1].map((q) => quantile(times, q).toFixed(1)).join(' / '));
  process.stdout.write(`probes, p50 / p95 / most in ms: at rest ${told[0]}; busy ${told[1]}\n`);
  expect(running).toBeGreaterThanOrEqual(STREAMS);
  expect(quantile(busy, 0.5)).toBeLessThan(Math.max(MOST_MS, MOST_OF_REST * quantile(atRest, 0.5)));
});

async function load(): Promise<{ running: number }> {
  const text = await (await server.fetch('/metrics')).text();
  return { running: Number(/^vllm:num_requests_running\{.*\} (\d+)$/m.exec(text)?.[1]) };
}
