/**
 * What breaks in the decoder ends the process at once, and every request that ran gets an error first; what breaks in the
 * thread of text ends the request that broke it.
 */
import { fixture } from '../support/folders.js';
import { parseEvents } from '../support/event-stream.js';
import { ENDLESS, FAULT_PRELOAD, ServerProcess, SLOW_STEPS } from '../support/server.js';

function faulty(fault: string, thread: string): Promise<ServerProcess> {
  const env = { MODEL_PATH: fixture('llama'), CACHE_DIR: 'none', SHUTDOWN_TIMEOUT: '0' };
  return ServerProcess.ready({ ...env, ...SLOW_STEPS, FAULT: fault, FAULT_THREAD: thread });
}

/** Its tokens are counted: this number is the one that a thread breaks at. */
const BREAKING = { prompt: 'break now', max_tokens: 13 };

/** What a stream ends with. */
async function lastOf(stream: Response): Promise<unknown> {
  return JSON.parse(parseEvents(await stream.text()).data.at(-1) as string);
}

it.each([
  ['decoder', 'exception', /injected/],
  ['decoder', 'memory', /memory limit/],
])(
  'the %s thread that ends by %s ends the process with 1, and running requests with an error each',
  async (thread, fault, reason) => {
    const server = await faulty(fault, thread);
    const stream = await server.post('/v1/completions', ENDLESS);
    const broken = await server.post('/v1/completions', BREAKING);
    expect(broken.status).toBe(500);
    expect(await broken.json()).toMatchObject({ error: { type: 'server_error' } });
    expect(await lastOf(stream)).toMatchObject({ error: { type: 'server_error' } });
    expect(await server.exited).toEqual({ code: 1, signal: null });
    const { msg } = await server.find(({ level }) => level === 'fatal');
    expect(msg).toMatch(reason);
  },
);

it.each(['exception', 'memory'])('a text thread that ends by %s is replaced, and others go on', async (fault) => {
  const server = await faulty(fault, 'text');
  const stream = await server.post('/v1/completions', ENDLESS);
  const broken = await server.post('/v1/completions', BREAKING);
  const [status, type] = fault === 'memory' ? [400, 'invalid_request_error'] : [500, 'server_error'];
  expect(broken.status).toBe(status);
  expect(await broken.json()).toMatchObject({ error: { type } });
  expect((await server.post('/v1/completions', { prompt: 'x', max_tokens: 2 })).status).toBe(200);
  const exit = server.stop();
  // It ran all the time: what ends it is the end of the server.
  expect(await lastOf(stream)).toMatchObject({ error: { code: 'model_not_loaded' } });
  expect(await exit).toEqual({ code: 0, signal: null });
});

it('a crash in native code ends the process at once', async () => {
  const server = await faulty('crash', 'decoder');
  await expect(server.post('/v1/completions', BREAKING)).rejects.toThrow();
  expect((await server.exited).code).not.toBe(0);
});

it('a clock that jumps by days with every look moves no limit and ends nothing', async () => {
  const limits = { SHUTDOWN_TIMEOUT: '60', REQUEST_TIMEOUT: '60', RATE_LIMIT_REQUESTS: '1000', LIVENESS_TIMEOUT: '60' };
  const server = await ServerProcess.ready({
    MODEL_PATH: fixture('llama'),
    NODE_OPTIONS: FAULT_PRELOAD,
    FAULT: 'clock',
    CACHE_DIR: 'none',
    ...limits,
  });
  const long = { prompt: 'x', max_tokens: 1500, ignore_eos: true };
  const [whole, cut] = await Promise.all([
    server
      .post('/v1/completions', { ...long, stream: true })
      .then(async (response) => parseEvents(await response.text())),
    server.post('/v1/completions', { ...long, timeout: 0.05 }).then((response) => response.json() as Promise<object>),
  ]);
  expect(whole.data.at(-1)).toBe('[DONE]');
  expect(cut).toMatchObject({ choices: [{ finish_reason: 'length', stop_reason: 'timeout' }] });
  for (const probe of ['', '/startup', '/live', '/ready']) {
    expect((await server.fetch(`/health${probe}`)).status).toBe(200);
  }
  const lineOf = (wanted: string) => server.find(({ outcome }) => outcome === wanted, `the line of "${wanted}"`);
  const { queue_ms: queue, first_token_ms: first, duration_ms: duration } = await lineOf('length');
  expect(queue).toBeGreaterThanOrEqual(0);
  expect(first).toBeGreaterThan(0);
  expect(duration).toBeLessThan(60_000);
  // Its time may have been over before it had a token.
  expect((await lineOf('timeout')).duration_ms).toBeLessThan(60_000);
  const running = await server.post('/v1/completions', { ...long, stream: true });
  const ended = server.stop();
  expect(parseEvents(await running.text()).data.at(-1)).toBe('[DONE]');
  expect(await ended).toEqual({ code: 0, signal: null });
});

it('a control group with less memory than the weights ends the start with one line that says both', async () => {
  const server = new ServerProcess({ NODE_OPTIONS: FAULT_PRELOAD, FAULT: 'little memory', CACHE_DIR: 'none' });
  expect(await server.exited).toEqual({ code: 1, signal: null });
  const fatal = server.logs.filter(({ level }) => level === 'fatal');
  expect(fatal.map(({ msg }) => msg)).toEqual([
    expect.stringMatching(
      /the weights take 0\.02 GiB and the server needs more than 0\.10 GiB to load them, but the process may have 0\.00 GiB of memory: give it more/,
    ) as string,
  ]);
  expect(server.noise).toEqual([]);
});
