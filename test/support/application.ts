import type { AddressInfo } from 'node:net';
import type { Type } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { pino } from 'pino';
import { AppModule } from '../../src/app.module.js';
import { type ArrivalLimits, configureApp, createHttpAdapter } from '../../src/app.setup.js';
import { type Config, loadConfig } from '../../src/config/config.js';
import { ModelService } from '../../src/generation/model.service.js';
import { INFERENCE_PROVIDER, type InferenceProvider } from '../../src/inference/inference-provider.js';

/** The application in this process, with a provider of the test's own, listening on a port that is free. */
export class TestApplication {
  private constructor(
    readonly app: NestFastifyApplication,
    readonly models: ModelService,
    readonly logs: readonly Readonly<Record<string, unknown>>[],
  ) {}

  static async start(
    provider: InferenceProvider,
    overrides: Partial<Config> = {},
    limits?: ArrivalLimits,
    modules: readonly Type[] = [],
  ): Promise<TestApplication> {
    const config = { ...loadConfig({}), ...overrides };
    const logs: Record<string, unknown>[] = [];
    const log = pino({}, { write: (line) => logs.push(JSON.parse(line) as Record<string, unknown>) });
    const testing = await Test.createTestingModule({ imports: [AppModule.forRoot(config), ...modules] })
      .overrideProvider(INFERENCE_PROVIDER)
      .useValue(provider)
      .setLogger(false as never)
      .compile();
    const adapter = createHttpAdapter(log, limits);
    const app = testing.createNestApplication<NestFastifyApplication>(adapter, { bodyParser: false });
    configureApp(app);
    await app.listen(0, '127.0.0.1');
    return new TestApplication(app, app.get(ModelService), logs);
  }

  static async ready(
    provider: InferenceProvider,
    overrides?: Partial<Config>,
    limits?: ArrivalLimits,
    modules?: readonly Type[],
  ): Promise<TestApplication> {
    const application = await TestApplication.start(provider, overrides, limits, modules);
    await application.models.load();
    return application;
  }

  get port(): number {
    return (this.app.getHttpServer().address() as AddressInfo).port;
  }

  fetch(path: string, init?: RequestInit): Promise<Response> {
    return fetch(`http://127.0.0.1:${this.port}${path}`, init);
  }

  post(path: string, body: unknown, init: RequestInit = {}): Promise<Response> {
    const headers = { 'content-type': 'application/json', ...(init.headers as object) };
    return this.fetch(path, { method: 'POST', body: JSON.stringify(body), ...init, headers });
  }

  close(): Promise<void> {
    return this.app.close();
  }
}
