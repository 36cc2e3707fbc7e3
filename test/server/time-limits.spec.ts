/** How the operator's limits of time get to the engine, and an answer that was cut to its client. */
import { jest } from '@jest/globals';
import { type Config, loadConfig } from '../../src/config/config.js';
import { Engine } from '../../src/engine/index.js';
import { EngineInferenceProvider } from '../../src/inference/engine-inference.provider.js';
import type { TimeLimits } from '../../src/inference/inference-provider.js';
import { TestApplication } from '../support/application.js';
import { DEMO_MODEL } from '../support/folders.js';

const NONE = { queueTimeout: 0, firstTokenTimeout: 0, requestTimeout: 0 };
const ALL = { queueTimeout: 1, firstTokenTimeout: 2, requestTimeout: 3 };

let application: TestApplication;
afterEach(async () => {
  jest.restoreAllMocks();
  await application.close();
});

async function start(limits: Partial<Config>): Promise<void> {
  const config = { ...loadConfig({ MODEL_PATH: DEMO_MODEL, MAX_BATCH_SIZE: '1' }), ...limits };
  application = await TestApplication.ready(new EngineInferenceProvider(config), config);
}

it.each<[Partial<Config>, number | undefined, TimeLimits]>([
  [ALL, undefined, { queue: 1000, firstToken: 2000, whole: 3000 }],
  [ALL, 2.5, { queue: 1000, firstToken: 2000, whole: 2500 }],
  [ALL, 3600, { queue: 1000, firstToken: 2000, whole: 3000 }],
  [NONE, undefined, {}],
  [NONE, 2.5, { whole: 2500 }],
])(
  'of %j, and of a request with the timeout %d, the lesser holds, and 0 is none',
  async (limits, timeout, expected) => {
    await start(limits);
    const generate = jest.spyOn(Engine.prototype, 'generate');
    await application.post('/v1/completions', { prompt: 'x', max_tokens: 1, timeout });
    expect(generate.mock.lastCall?.[0].timeLimits).toEqual(expected);
  },
);

it('an answer whose time is over is what there is', async () => {
  // In so many seconds, no answer of this length ends.
  await start({ requestTimeout: 0.05 });
  const response = await application.post('/v1/completions', { prompt: 'x', max_tokens: 1900, ignore_eos: true });
  expect(await response.json()).toMatchObject({ choices: [{ finish_reason: 'length', stop_reason: 'timeout' }] });
});
