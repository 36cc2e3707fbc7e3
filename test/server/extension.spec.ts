import { Body, Controller, Module, Post } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { pino } from 'pino';
import { AppModule } from '../../src/app.module.js';
import { configureApp, createHttpAdapter } from '../../src/app.setup.js';
import { ClientSignal } from '../../src/common/http/client-signal.decorator.js';
import { loadConfig } from '../../src/config/config.js';
import { GenerationModule } from '../../src/generation/generation.module.js';
import { ModelService } from '../../src/generation/model.service.js';

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
