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
      ['/health', '/health/live', '/health/ready', '/health/startup']
        .flatMap((url) => [`GET ${url}`, `HEAD ${url}`])
        .sort(),
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

describe('quotas', () => {
  const generate = (key: string) =>
    fetch(`${base}/generate`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...bearer(key) },
      body: '{"prompt":"hi"}',
    });
  let base: string;

  it('count the requests of each key', async () => {
    await start({ API_KEY: KEYS.join(), RATE_LIMIT_REQUESTS: '2' });
    base = (await app?.getUrl()) ?? '';
    const first = await generate(KEYS[0]);
    expect(first.status).toBe(503);
    expect(first.headers.get('x-ratelimit-limit-requests')).toBe('2');
    expect(first.headers.get('x-ratelimit-remaining-requests')).toBe('1');
    expect(first.headers.get('x-ratelimit-reset-requests')).toBe('30s');
    expect(first.headers.get('x-ratelimit-limit-tokens')).toBeNull();
    await generate(KEYS[0]);
    const refused = await generate(KEYS[0]);
    expect(refused.status).toBe(429);
    // What there was since the first one is gone of the half minute.
    expect(refused.headers.get('retry-after')).toMatch(/^([12]\d|30)$/);
    expect(refused.headers.get('x-ratelimit-remaining-requests')).toBe('0');
    expect(await refused.json()).toEqual({
      detail: expect.stringMatching(
        /^The limit of 2 requests a minute is reached: try again in ([12]\d|30) s$/,
      ) as string,
    });
    expect((await generate(KEYS[1])).status).toBe(503);
    const openAi = await ask('/v1/completions', bearer(KEYS[0]), 'POST');
    expect(await openAi.json()).toMatchObject({ error: { type: 'rate_limit_error', code: 'rate_limit_exceeded' } });
    // What only reads is free.
    expect((await ask('/v1/models', bearer(KEYS[0]))).status).toBe(503);
  });

  it('do not count who has no key', async () => {
    await start({ API_KEY: KEYS[0], RATE_LIMIT_REQUESTS: '1' });
    base = (await app?.getUrl()) ?? '';
    for (const key of ['wrong', 'wrong', KEYS[0]])
      expect((await generate(key)).status).toBe(key === 'wrong' ? 401 : 503);
  });
});

describe('browsers', () => {
  const origin = { origin: 'https://a.example' };
  const preflight = (headers: Record<string, string>) =>
    ask('/v1/chat/completions', { ...headers, 'access-control-request-method': 'POST' }, 'OPTIONS');

  it('let no page of another origin in', async () => {
    await start({});
    const response = await ask('/v1/models', origin);
    expect([...response.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
    expect((await preflight(origin)).status).toBe(405);
  });

  it('let in those that are listed, which need a key as others do', async () => {
    await start({ API_KEY: KEYS[0], CORS_ORIGIN: 'https://a.example,https://b.example' });
    const allowed = await preflight(origin);
    expect(allowed.status).toBe(204);
    expect(allowed.headers.get('access-control-allow-origin')).toBe('https://a.example');
    const response = await ask('/v1/models', origin);
    expect(response.status).toBe(401);
    expect(response.headers.get('access-control-allow-origin')).toBe('https://a.example');
    const other = await preflight({ origin: 'https://c.example' });
    expect(other.headers.get('access-control-allow-origin')).toBeNull();
  });

  it('are told to take everything for what it says it is, and to frame nothing', async () => {
    await start({});
    for (const path of ['/health/live', '/nothing', '/generate']) {
      const { headers } = await ask(path);
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('content-security-policy')).toContain("default-src 'self'");
      expect(headers.get('x-powered-by')).toBeNull();
    }
  });
});
