import { jest } from '@jest/globals';
import { Test } from '@nestjs/testing';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { pino } from 'pino';
import { AppModule } from '../../src/app.module.js';
import { configureApp, createHttpAdapter } from '../../src/app.setup.js';
import { loadConfig } from '../../src/config/config.js';
import { ModelService } from '../../src/generation/model.service.js';
import {
  type Explanation,
  type GenerationEvent,
  type GenerationRequest,
  INFERENCE_PROVIDER,
  InferenceError,
  type InferenceErrorCode,
  type InferenceProvider,
  type LoadListeners,
  type ModelInfo,
  type Prompt,
} from '../../src/inference/inference-provider.js';
import { ModelNotLoadedError } from '../../src/inference/model-not-loaded.error.js';

const INFO: ModelInfo = {
  id: 'fake',
  architecture: 'Fake',
  device: 'cpu',
  dtype: 'float32',
  quantization: 'none',
  weightType: 'F32',
  parameters: 1,
  weightBytes: 4,
  specialIds: [2],
  vocabSize: 10,
  contextLength: 10,
  maxPositions: 10,
  slots: 1,
  kvCacheBytes: 1,
  threads: 1,
  hasChatTemplate: true,
  fingerprint: 'f',
  warnings: [],
};

/** A provider that does what a test tells it to. */
class FakeProvider implements InferenceProvider {
  listeners: LoadListeners | undefined;
  loads = 0;
  unloads = 0;
  requests: GenerationRequest[] = [];
  error: Error | undefined;
  onRequest: (() => void) | undefined;
  untilAborted = false;
  whenLoaded: Promise<void> = Promise.resolve();

  async load(listeners: LoadListeners, signal: AbortSignal): Promise<ModelInfo> {
    this.loads++;
    this.listeners = listeners;
    await Promise.race([
      this.whenLoaded,
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(new InferenceError('cancelled', 'aborted')));
      }),
    ]);
    return INFO;
  }

  unload(): Promise<void> {
    this.unloads++;
    return Promise.resolve();
  }

  encode({ kind }: Prompt): Promise<readonly number[]> {
    return Promise.reject(new InferenceError('request_invalid', kind));
  }

  decode(): Promise<string> {
    return Promise.resolve('');
  }

  explain(): Promise<Explanation> {
    return Promise.reject(new InferenceError('request_invalid', 'not explained'));
  }

  async *generate(request: GenerationRequest, signal: AbortSignal): AsyncGenerator<GenerationEvent> {
    this.requests.push(request);
    this.onRequest?.();
    if (this.untilAborted) {
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      throw new InferenceError('cancelled', 'the request was cancelled');
    }
    yield await Promise.resolve({ type: 'start', promptTokens: 3 });
    if (this.error) throw this.error;
    yield { type: 'tokens', text: 'a', ids: [1] };
    yield { type: 'tokens', text: 'b', ids: [2, 3] };
    yield { type: 'finish', reason: 'eos', promptTokens: 3, cachedTokens: 0, newTokens: 3 };
  }
}

let provider: FakeProvider;
let app: NestFastifyApplication;
let logs: { readonly level: string; readonly msg: string }[];

async function start(): Promise<ModelService> {
  const config = loadConfig({});
  logs = [];
  const log = pino(
    { formatters: { level: (level) => ({ level }) } },
    { write: (line) => logs.push(JSON.parse(line) as never) },
  );
  const testing = await Test.createTestingModule({ imports: [AppModule.forRoot(config)] })
    .overrideProvider(INFERENCE_PROVIDER)
    .useValue(provider)
    .setLogger(false as never)
    .compile();
  app = testing.createNestApplication<NestFastifyApplication>(createHttpAdapter(log), { bodyParser: false });
  configureApp(app);
  await app.listen(0, '127.0.0.1');
  return app.get(ModelService);
}

async function get(path: string): Promise<Response> {
  return fetch(`${await app.getUrl()}${path}`);
}

async function generate(body: object = { prompt: 'hi' }): Promise<{ status: number; body: unknown }> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`${await app.getUrl()}/generate`, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
  });
  return { status: response.status, body: await response.json() };
}

beforeEach(() => (provider = new FakeProvider()));
afterEach(() => app.close());

describe('the model service', () => {
  it('loads when the application starts, without holding it up', async () => {
    let loaded!: () => void;
    provider.whenLoaded = new Promise((resolve) => (loaded = resolve));
    const models = await start();
    expect(models.state).toBe('loading');
    expect(() => models.model).toThrow(ModelNotLoadedError);
    const answer = models.generate({ prompt: { kind: 'text', text: 'x' } }, AbortSignal.abort());
    await expect(answer.next()).rejects.toThrow(ModelNotLoadedError);
    loaded();
    await models.load();
    expect(models.state).toBe('ready');
    expect(models.model).toBe(INFO);
    expect(provider.loads).toBe(1);
  });

  it('does nothing when it is asked to load a loaded model, or to unload an unloaded one', async () => {
    const models = await start();
    await models.load();
    await models.load();
    expect(provider.loads).toBe(1);
    await models.unload();
    await models.unload();
    expect(provider.unloads).toBe(1);
    expect(models.state).toBe('unloaded');
  });

  it('can load again', async () => {
    const models = await start();
    await models.load();
    await models.unload();
    expect((await generate()).status).toBe(503);
    await models.load();
    expect((await generate()).status).toBe(200);
  });

  it('ends a load when it is unloaded', async () => {
    provider.whenLoaded = new Promise(() => undefined);
    const models = await start();
    await models.unload();
    expect(models.state).toBe('unloaded');
  });

  it('tells when a load fails, and when a loaded model breaks', async () => {
    provider.whenLoaded = Promise.reject(new InferenceError('model_invalid', 'config.json: not found'));
    const models = await start();
    expect(await models.failed).toMatchObject({ message: 'config.json: not found' });
    expect(models.state).toBe('failed');
    await app.close();

    provider = new FakeProvider();
    const others = await start();
    await others.load();
    provider.listeners?.onFailure(new InferenceError('runtime_failed', 'out of memory'));
    expect(await others.failed).toMatchObject({ message: 'out of memory' });
    expect((await generate()).status).toBe(503);
    expect((await get('/health/ready')).status).toBe(503);
    expect((await get('/health/live')).status).toBe(200);
  });

  it('waits for an unload that runs before it loads again', async () => {
    const models = await start();
    await models.load();
    let freed!: () => void;
    jest.spyOn(provider, 'unload').mockReturnValueOnce(new Promise((resolve) => (freed = resolve)));
    const unloads = [models.unload(), models.unload()];
    const load = models.load();
    expect(models.state).toBe('unloading');
    freed();
    await Promise.all([...unloads, load]);
    expect(models.state).toBe('ready');
    expect(provider.loads).toBe(2);
  });

  it('unloads when the application ends', async () => {
    const models = await start();
    await models.load();
    await app.close();
    expect(provider.unloads).toBe(1);
  });
});

describe('POST /generate', () => {
  const ready = async () => (await start()).load();

  it('joins what the provider generates', async () => {
    await ready();
    const response = await generate({
      prompt: 'hi',
      temperature: 0.5,
      top_k: 3,
      top_p: 0.9,
      min_p: 0.1,
      seed: 4,
      stop: 'x',
      timeout: 2.5,
    });
    expect(response.body).toEqual({ response: 'ab', input_token_count: 3, output_token_count: 3 });
    expect(provider.requests).toEqual([
      {
        prompt: { kind: 'chat', messages: [{ role: 'user', content: 'hi' }], addGenerationPrompt: true },
        maxNewTokens: 128,
        sampling: { temperature: 0.5, topK: 3, topP: 0.9, minP: 0.1, repetitionPenalty: undefined },
        seed: 4,
        stop: ['x'],
        timeLimits: { whole: 2500 },
        client: 'anonymous',
      },
    ]);
  });

  it.each<[InferenceErrorCode, number, unknown]>([
    ['runtime_failed', 500, 'Generation failed: the reason'],
    ['template_failed', 500, 'Generation failed: the reason'],
    ['not_loaded', 503, 'Model not loaded'],
    ['prompt_too_long', 422, [{ type: 'prompt_too_long', loc: ['body', 'prompt'], msg: 'the reason', input: 'hi' }]],
    ['request_invalid', 422, [{ type: 'request_invalid', loc: ['body', 'prompt'], msg: 'the reason', input: 'hi' }]],
  ])('answers the error %s with %i', async (code, status, detail) => {
    await ready();
    provider.error = new InferenceError(code, 'the reason');
    const response = await generate();
    expect(response.status).toBe(status);
    expect(response.body).toEqual({ detail });
  });

  it('answers an error that nobody foresaw with 500, tells nothing of it, and logs it', async () => {
    await ready();
    provider.error = new Error('secret path /etc/x');
    const response = await generate();
    expect(response.status).toBe(500);
    expect(response.body).toEqual({ detail: 'Internal Server Error' });
    expect(logs.filter(({ level }) => level === 'error')).toEqual([
      expect.objectContaining({
        msg: 'request failed',
        err: expect.objectContaining({ message: 'secret path /etc/x' }) as unknown,
      }),
    ]);
  });

  it('is cancelled when its client goes away, and the log says so', async () => {
    await ready();
    provider.untilAborted = true;
    const asked = new Promise<void>((resolve) => (provider.onRequest = resolve));
    const controller = new AbortController();
    const headers = { 'content-type': 'application/json' };
    const request = { method: 'POST', headers, body: '{"prompt":"hi"}', signal: controller.signal };
    const pending = fetch(`${await app.getUrl()}/generate`, request);
    await asked;
    controller.abort();
    await expect(pending).rejects.toThrow('abort');
    while (!logs.some(({ msg }) => msg === 'request')) await new Promise(setImmediate);
    expect(logs.filter(({ msg }) => msg === 'request')).toEqual([expect.objectContaining({ outcome: 'cancelled' })]);
  });
});
