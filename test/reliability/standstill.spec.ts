/** A thread that neither ends nor gets on: the platform learns it from the probe, and its signal ends the process. */
import { parseEvents } from '../support/event-stream.js';
import { fixture } from '../support/folders.js';
import { FAULT_PRELOAD, ServerProcess } from '../support/server.js';

it.each([
  ['decoder', 1, ['the server could not be closed in time']],
  ['text', 0, []],
])('the %s thread stands still', async (thread, code, last) => {
  const fault = { NODE_OPTIONS: FAULT_PRELOAD, FAULT: 'standstill', FAULT_THREAD: thread };
  const limits = { LIVENESS_TIMEOUT: '1', SHUTDOWN_TIMEOUT: '0' };
  const server = await ServerProcess.ready({ MODEL_PATH: fixture('llama'), CACHE_DIR: 'none', ...limits, ...fault });
  const asked = server.post('/v1/completions', { prompt: 'break now', max_tokens: 13, stream: true });
  while ((await server.fetch('/health/live')).status === 200);
  const exit = server.stop();
  const response = await asked;
  const told =
    response.status === 200 ? (parseEvents(await response.text()).data.at(-1) as string) : await response.text();
  expect(JSON.parse(told)).toMatchObject({ error: { code: 'model_not_loaded' } });
  expect(await exit).toEqual({ code, signal: null });
  expect(server.logs.filter(({ level }) => level === 'fatal').map(({ msg }) => msg)).toEqual(last);
  expect(server.noise).toEqual([]);
});
