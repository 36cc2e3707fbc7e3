/** What clients with keys of their own take from each other, over HTTP: told by the order of events, not by the clock. */
import { ENDLESS, ServerProcess, SLOW_STEPS } from '../support/server.js';

const KEYS = { light: 'key-of-the-light', heavy: 'key-of-the-heavy' } as const;
const SHORT = { ...ENDLESS, max_tokens: 5 };

const SLOTS = 2;

it.each([
  ['without keys', ''],
  ['with one key', KEYS.heavy],
])('a server %s fills all of its slots', async (_, key) => {
  const env = { MAX_BATCH_SIZE: '3', CACHE_DIR: 'none', ...(key && { API_KEY: key }) };
  const server = await ServerProcess.ready({ ...env, ...SLOW_STEPS });
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${key}` };
  const left = new AbortController();
  const { signal } = left;
  for (let i = 0; i < 3; i++) await server.post('/v1/completions', ENDLESS, { headers, signal });
  const running = await server.scrapeUntil('vllm:num_requests_waiting', 0, { headers });
  expect(running.of('vllm:num_requests_running')).toBe(3);
  left.abort();
  await server.stop();
});

describe('while one client asks for much', () => {
  const order: string[] = [];
  let server: ServerProcess;
  let last: Promise<unknown> | undefined;
  beforeAll(async () => {
    const keys = Object.values(KEYS).join(',');
    const env = { API_KEY: keys, MAX_BATCH_SIZE: String(SLOTS), CACHE_DIR: 'none' };
    server = await ServerProcess.ready({ ...env, ...SLOW_STEPS });
  });
  afterAll(async () => {
    await server.stop('SIGKILL');
    await last;
  });

  /** Resolves with the first token; the order of first tokens and of ends is kept. */
  async function stream(client: keyof typeof KEYS, name: string, body: object): Promise<{ ended: Promise<void> }> {
    const response = await server.post('/v1/completions', body, {
      headers: { 'content-type': 'application/json', authorization: `Bearer ${KEYS[client]}` },
    });
    expect(response.status).toBe(200);
    const reader = response.body?.getReader();
    await reader?.read();
    order.push(`${name} begins`);
    const rest = async (): Promise<void> => {
      for (;;) if ((await reader?.read())?.done !== false) break;
      order.push(`${name} ends`);
    };
    return { ended: rest() };
  }

  it('another has the slot that is kept, before what the first one has waiting', async () => {
    // One that was there lately.
    await (
      await stream('light', 'first', SHORT)
    ).ended;
    const running = await stream('heavy', 'running', ENDLESS);
    const waiting = ['a', 'b', 'c', 'd'].map(async (name) => (await stream('heavy', name, ENDLESS)).ended);
    last = Promise.allSettled([running.ended, ...waiting]);
    // All of them are in, and wait.
    const headers = { authorization: `Bearer ${KEYS.light}` };
    await server.scrapeUntil('vllm:num_requests_waiting', 4, { headers });
    await (
      await stream('light', 'light', SHORT)
    ).ended;
    expect(order).toEqual(['first begins', 'first ends', 'running begins', 'light begins', 'light ends']);
  });
});
