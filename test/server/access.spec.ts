import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { pino } from 'pino';
import { AppModule } from '../../src/app.module.js';
import { configureApp, createHttpAdapter } from '../../src/app.setup.js';
import { loadConfig } from '../../src/config/config.js';
import { hashOfKey } from '../../src/config/api-keys.js';
import { INFERENCE_PROVIDER } from '../../src/inference/inference-provider.js';

const KEYS = ['a-first-key', 'a-second-key'];

let app: NestFastifyApplication | undefined;
let routes: { readonly method: string; readonly url: string }[];
let clients: string[];

/** The application with a model that is never loaded: who is let in gets a 503, a 404 or a health answer. */
async function start(env: Record<string, string>): Promise<void> {
  const config = loadConfig(env);
  const testing = await Test.createTestingModule({ imports: [AppModule.forRoot(config)] })
    .overrideProvider(INFERENCE_PROVIDER)
    .useValue({ load: () => new Promise(() => undefined), unload: () => Promise.resolve() })
    .setLogger(false as never)
    .compile();
  app = testing.createNestApplication<NestFastifyApplication>(createHttpAdapter(pino({ level: 'silent' })), {
    bodyParser: false,
  });
  routes = [];
  clients = [];
  const fastify = app.getHttpAdapter().getInstance();
  fastify.addHook('onRoute', ({ method, url }) => {
    for (const one of [method].flat()) routes.push({ method: one, url });
  });
  fastify.addHook('onResponse', (request, _, done) => {
    clients.push(request.client);
    done();
  });
  configureApp(app);
  await app.listen(0, '127.0.0.1');
}

afterEach(() => {
  // The load never ends, so neither would a close.
  app?.getHttpServer().closeAllConnections();
  app?.getHttpServer().close();
});

async function ask(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Response> {
  return fetch(`${await app?.getUrl()}${path}`, { method, headers });
}

const bearer = (key: string) => ({ authorization: `Bearer ${key}` });

describe('with API keys', () => {
  beforeEach(() => start({ API_KEY: KEYS.join(' , ') }));

  it('asks for one on every route but the probes', async () => {
    const open: string[] = [];
    for (const { method, url } of routes) {
      const { status } = await ask(url.replace('*', 'x').replace(/:\w+/g, 'x'), {}, method);
      if (status !== 401) open.push(`${method} ${url}`);
    }
    expect(routes.length).toBeGreaterThan(10);
    expect([...new Set(open)].sort()).toEqual(
      ['/health', '/health/live', '/health/ready'].flatMap((url) => [`GET ${url}`, `HEAD ${url}`]).sort(),
    );
  });

  it.each([
    '/nothing',
    '//v1/models',
    '/v1//models',
    '/%761/models',
    '/v1/models/',
    '/V1/models',
    '/v1/../v1/models',
    '/v1/models;x',
    '/health/../generate',
    '/health/live/x',
    '/./generate',
  ])('asks for one on %s, which is no route or another way to write one', async (path) =>
    expect((await ask(path)).status).toBe(401),
  );

  it.each(KEYS)('takes %s as a bearer token and as x-api-key', async (key) => {
    expect((await ask('/v1/models', bearer(key))).status).toBe(503);
    expect((await ask('/v1/models', { authorization: `bearer  ${key}` })).status).toBe(503);
    expect((await ask('/v1/models', { 'x-api-key': key })).status).toBe(503);
    expect((await ask('/v1/models', { 'x-api-key': key, authorization: 'Basic eDp5' })).status).toBe(503);
    expect(new Set(clients)).toEqual(new Set([hashOfKey(key).slice(0, 8)]));
  });

  it.each([
    bearer('another'),
    bearer(KEYS.join(',')),
    bearer(''),
    bearer(`${KEYS[0]}x`),
    bearer(KEYS[0].slice(0, -1)),
    { authorization: KEYS[0] },
    { authorization: `Basic ${KEYS[0]}` },
    { 'x-api-key': '' },
    { 'x-api-key': hashOfKey(KEYS[0]) },
    { 'x-api-key': 'x'.repeat(10_000) },
  ])('does not take %j', async (headers) => {
    expect((await ask('/v1/models', headers as Record<string, string>)).status).toBe(401);
  });

  it('refuses in the shape of the dialect, before it looks at the body', async () => {
    const openAi = await ask('/v1/chat/completions', bearer('wrong'), 'POST');
    expect(await openAi.json()).toEqual({
      error: {
        message: 'The API key is not known',
        type: 'invalid_request_error',
        param: null,
        code: 'invalid_api_key',
      },
    });
    const fastApi = await ask('/generate', { 'content-type': 'text/plain' }, 'POST');
    expect(fastApi.status).toBe(401);
    expect(fastApi.headers.get('www-authenticate')).toBe('Bearer');
    expect(fastApi.headers.get('x-request-id')).not.toBeNull();
    expect(await fastApi.json()).toEqual({
      detail: 'An API key is needed, in the header Authorization: Bearer or x-api-key',
    });
  });
});

describe('without API keys', () => {
  beforeEach(() => start({}));

  it('lets everyone in, and calls them all anonymous, whatever key they send', async () => {
    expect((await ask('/v1/models')).status).toBe(503);
    expect((await ask('/v1/models', bearer('anything'))).status).toBe(503);
    expect(clients).toEqual(['anonymous', 'anonymous']);
  });
});
