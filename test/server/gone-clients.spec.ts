/** Whoever leaves makes room at once, over HTTP and with the engine: counted in runs of the network. */
import { loadConfig } from '../../src/config/config.js';
import { EngineInferenceProvider } from '../../src/inference/engine-inference.provider.js';
import {
  type GenerationEvent,
  type GenerationRequest,
  type LoadListeners,
  type ModelInfo,
  monotonicNow,
  type StepReport,
} from '../../src/inference/inference-provider.js';
import { TestApplication } from '../support/application.js';
import { DEMO_MODEL } from '../support/folders.js';

/** Steps that may begin between the moment when the server knows that a client is gone and that when the next is let in. */
const MOST_STEPS = 2;
// A prompt is read in many steps.
const CONFIG = loadConfig({
  MODEL_PATH: DEMO_MODEL,
  MAX_BATCH_SIZE: '2',
  PREFILL_CHUNK: '2',
  MAX_NEW_TOKENS: '2000',
  THREADS: '1',
});

/** An answer that the engine was asked for. */
class Asked {
  readonly events: GenerationEvent[] = [];
  /** When the engine was told that nobody wants it any more, at the earliest and at the latest. */
  readonly gone: Promise<{ readonly after: number; readonly before: number }>;

  constructor(signal: AbortSignal) {
    this.gone = new Promise((resolve) =>
      signal.addEventListener('abort', () => {
        const after = monotonicNow();
        // The engine listens as well.
        process.nextTick(() => resolve({ after, before: monotonicNow() }));
      }),
    );
  }

  has(type: GenerationEvent['type']): boolean {
    return this.events.some((event) => event.type === type);
  }

  get started(): number {
    const finish = this.events.find((event) => event.type === 'finish');
    return finish?.timings?.started ?? NaN;
  }
}

/** The engine, and what it is asked for and does. */
class WatchedProvider extends EngineInferenceProvider {
  readonly steps: StepReport[] = [];
  readonly asked: Asked[] = [];
  private readonly watchers: (() => void)[] = [];

  override load(listeners: LoadListeners, signal: AbortSignal): Promise<ModelInfo> {
    const onStep = (report: StepReport): void => {
      this.steps.push(report);
      this.wake();
    };
    return super.load({ ...listeners, onStep }, signal);
  }

  override async *generate(request: GenerationRequest, signal: AbortSignal): AsyncGenerator<GenerationEvent> {
    const asked = new Asked(signal);
    this.asked.push(asked);
    this.wake();
    for await (const event of super.generate(request, signal)) {
      asked.events.push(event);
      this.wake();
      yield event;
    }
  }

  /** Looks again whenever something has happened. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.watchers.push(resolve));
  }

  /** Waits for a step that has not been yet. */
  async step(kind?: StepReport['kind']): Promise<void> {
    const from = this.steps.length;
    await this.until(() => this.steps.slice(from).some((report) => !kind || report.kind === kind));
  }

  private wake(): void {
    for (const watcher of this.watchers.splice(0)) watcher();
  }
}

let provider: WatchedProvider;
let application: TestApplication;
beforeAll(async () => {
  provider = new WatchedProvider(CONFIG);
  application = await TestApplication.ready(provider, CONFIG);
});
afterAll(() => application.close());

interface Client {
  readonly asked: Asked;
  /** Closes the connection. */
  leave(): void;
  readonly done: Promise<unknown>;
}

/** A request that the engine has got. */
async function ask(seed: number, promptTokens: number, maxTokens: number, stream = true): Promise<Client> {
  const prompt = Array.from({ length: promptTokens }, (_, i) => 100 + ((seed * 31 + i * 7) % 900));
  const body = { prompt, max_tokens: maxTokens, ignore_eos: true, temperature: 0, stream };
  const controller = new AbortController();
  const index = provider.asked.length;
  const done = application
    .post('/v1/completions', body, { signal: controller.signal })
    .then((response) => response.text())
    .catch((error: Error) => error.name);
  await provider.until(() => provider.asked.length > index);
  return { asked: provider.asked[index], leave: () => controller.abort(), done };
}

/** That one who waits got the slot of one who left. */
async function expectSlot(left: Asked, next: Client): Promise<void> {
  const { after, before } = await left.gone;
  await next.done;
  const { started } = next.asked;
  expect(started).toBeGreaterThan(after);
  const between = provider.steps.filter(({ began }) => began > before && began < started);
  expect(between.length).toBeLessThanOrEqual(MOST_STEPS);
}

describe.each([
  ['a stream', true],
  ['an answer in one piece', false],
])('the client of %s leaves', (_name, stream) => {
  it('while its prompt is read: who waits has the slot within two steps', async () => {
    const neighbour = await ask(1, 20, 1900);
    await provider.until(() => neighbour.asked.has('tokens'));
    const client = await ask(2, 1800, 10, stream);
    const next = await ask(3, 20, 2);
    await provider.step('prefill');
    client.leave();
    await client.asked.gone;
    expect(client.asked.has('tokens')).toBe(false);
    await expectSlot(client.asked, next);
    expect([neighbour.asked.has('finish'), client.asked.has('finish')]).toEqual([false, false]);
    neighbour.leave();
    expect(await Promise.all([client.done, neighbour.done])).toEqual(['AbortError', 'AbortError']);
  });

  it('while it is written: who waits has the slot within two steps', async () => {
    const neighbour = await ask(1, 20, 1900);
    const client = await ask(2, 20, 1900, stream);
    await provider.until(() => client.asked.has('tokens'));
    const next = await ask(3, 20, 2);
    await provider.step();
    client.leave();
    await expectSlot(client.asked, next);
    expect([neighbour.asked.has('finish'), client.asked.has('finish')]).toEqual([false, false]);
    neighbour.leave();
    expect(await Promise.all([client.done, neighbour.done])).toEqual(['AbortError', 'AbortError']);
  });

  it('while it waits: it never has a slot, and the one behind it has the next', async () => {
    const running = [await ask(4, 20, 1900), await ask(5, 20, 1900)];
    await provider.until(() => running.every(({ asked }) => asked.has('tokens')));
    const client = await ask(6, 20, 1900, stream);
    const next = await ask(3, 20, 2);
    await provider.step();
    client.leave();
    expect(await client.done).toBe('AbortError');
    await client.asked.gone;
    await provider.step();
    expect(running.map(({ asked }) => asked.has('finish'))).toEqual([false, false]);
    running[0].leave();
    await expectSlot(running[0].asked, next);
    expect(client.asked.has('tokens')).toBe(false);
    running[1].leave();
    await Promise.all(running.map(({ done }) => done));
  });
});
