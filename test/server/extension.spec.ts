import { Body, Controller, Module, Post } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { pino } from 'pino';
import { AppModule } from '../../src/app.module.js';
import { configureApp, createHttpAdapter } from '../../src/app.setup.js';
import { ClientSignal } from '../../src/common/http/client-signal.decorator.js';
import { loadConfig } from '../../src/config/config.js';
import { GenerationModule } from '../../src/generation/generation.module.js';
import { Admission } from '../../src/generation/admission/admission.js';
import { ModelService } from '../../src/generation/model.service.js';
import { InferenceError } from '../../src/inference/inference-provider.js';
import { TestApplication } from '../support/application.js';
import { ScriptedProvider } from '../support/scripted-provider.js';

// The example of the README.
@Controller('shout')
class ShoutController {
  constructor(private readonly models: ModelService) {}

  @Post()
  async shout(@Body() { text }: { text: string }, @ClientSignal() signal: AbortSignal): Promise<string> {
    let answer = '';
    for await (const event of this.models.generate({ prompt: { kind: 'text', text }, maxNewTokens: 50 }, signal)) {
      if (event.type === 'tokens') answer += event.text;
    }
    return answer.toUpperCase();
  }
}

@Module({ imports: [GenerationModule], controllers: [ShoutController] })
class ShoutModule {}

describe('a module of a team of its own', () => {
  let app: NestFastifyApplication;

  beforeAll(async () => {
    const config = loadConfig({});
    const testing = await Test.createTestingModule({ imports: [AppModule.forRoot(config), ShoutModule] }).compile();
    testing.useLogger(false);
    app = testing.createNestApplication<NestFastifyApplication>(createHttpAdapter(pino({ level: 'silent' })), {
      bodyParser: false,
    });
    configureApp(app);
    await app.listen(0, '127.0.0.1');
    await app.get(ModelService).load();
  });
  afterAll(() => app.close());

  it('uses the model that is loaded, next to the routes that are there', async () => {
    const post = async (path: string, body: unknown) =>
      fetch(`${await app.getUrl()}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    const shouted = await post('/shout', {
      text: '<|im_start|>user\nWhat is an Inference Endpoint?<|im_end|>\n<|im_start|>assistant\n',
    });
    expect(await shouted.text()).toMatch(/AN INFERENCE ENDPOINT IS A SERVER/);
    const { response } = (await (await post('/generate', { prompt: 'What is an Inference Endpoint?' })).json()) as {
      response: string;
    };
    expect(response).toMatch(/An Inference Endpoint is a server/);
  });
});

describe('without thinking of it, such a module', () => {
  let provider: ScriptedProvider;
  let application: TestApplication;
  let admission: Admission;
  beforeEach(async () => {
    provider = new ScriptedProvider({ slots: 1 });
    application = await TestApplication.ready(provider, { maxQueueSize: 1 }, undefined, [ShoutModule]);
    admission = application.app.get(Admission);
    provider.automatic = false;
  });
  afterEach(() => application.close());

  const shout = (init?: RequestInit) => application.post('/shout', { text: 'hi' }, init);

  it('keeps to the bounds of the queue', async () => {
    const running = [shout(), shout()];
    await provider.answer(1);
    const refused = await shout();
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
    expect(await refused.json()).toEqual({ detail: expect.stringContaining('The server is busy') as string });
    for (const answer of provider.answers) answer.finish();
    expect(await Promise.all(running.map(async (response) => (await response).text()))).toEqual(['A', 'A']);
    expect(admission.counts).toMatchObject({ accepted: 2, completed: 2, running: 0, rejected: { queue_size: 1 } });
  });

  it('is waited for at shutdown, and refuses what is new', async () => {
    const running = shout();
    const answer = await provider.answer(0);
    const drained = admission.drain();
    expect((await shout()).status).toBe(503);
    answer.finish();
    expect(await (await running).text()).toBe('A');
    await drained;
  });

  it('gives up its place when its client goes, and when it fails', async () => {
    const leaving = new AbortController();
    const left = expect(shout({ signal: leaving.signal })).rejects.toThrow();
    const answer = await provider.answer(0);
    leaving.abort();
    await left;
    await answer.ended;
    while (admission.counts.running > 0) await new Promise(setImmediate);
    const failing = shout();
    (await provider.answer(1)).fail(new InferenceError('prompt_too_long', 'the prompt is too long'));
    const failed = await failing;
    expect(failed.status).toBe(422);
    expect(await failed.json()).toMatchObject({ detail: [{ loc: ['body'], msg: 'the prompt is too long' }] });
    expect(admission.counts).toMatchObject({ accepted: 2, cancelled: 1, failed: 1, running: 0 });
  });

  it('that never reads what it asked for holds nothing', () => {
    application.models.generate({ prompt: { kind: 'text', text: 'x' } }, new AbortController().signal);
    expect(admission.counts).toMatchObject({ accepted: 0, running: 0 });
  });

  it('that leaves an answer frees its place', async () => {
    const { signal } = new AbortController();
    for await (const event of application.models.generate({ prompt: { kind: 'text', text: 'x' } }, signal)) {
      if (event.type === 'start') break;
    }
    expect(admission.counts).toMatchObject({ accepted: 1, cancelled: 1, running: 0 });
  });
});
