/**
 * What breaks in the decoder ends the process at once, and every request that ran gets an error first; what breaks in the
 * thread of text ends the request that broke it.
 */
import { fixture } from '../support/folders.js';
import { parseEvents } from '../support/event-stream.js';
import { FAULT_PRELOAD, ServerProcess } from '../support/server.js';

function faulty(fault: string, thread: string): Promise<ServerProcess> {
  const env = { MODEL_PATH: fixture('llama'), NODE_OPTIONS: FAULT_PRELOAD, FAULT: fault, FAULT_THREAD: thread };
  return ServerProcess.ready({ ...env, CACHE_DIR: 'none' });
}

/** Its tokens are counted: this number is the one that a thread breaks at. */
const BREAKING = { prompt: 'break now', max_tokens: 13 };
const ENDLESS = { prompt: 'x', max_tokens: 2000, ignore_eos: true, stream: true };

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
    const last = JSON.parse(parseEvents(await stream.text()).data.at(-1) as string) as unknown;
    expect(last).toMatchObject({ error: { type: 'server_error' } });
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
  expect(parseEvents(await stream.text()).data.at(-1)).toBe('[DONE]');
  expect(await server.stop()).toEqual({ code: 0, signal: null });
});

it('a crash in native code ends the process at once', async () => {
  const server = await faulty('crash', 'decoder');
  await expect(server.post('/v1/completions', BREAKING)).rejects.toThrow();
  expect((await server.exited).code).not.toBe(0);
});
