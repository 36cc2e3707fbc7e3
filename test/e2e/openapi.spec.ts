import { Validator } from '@seriousme/openapi-schema-validator';
import { ServerProcess } from '../support/server.js';

interface Schema {
  readonly description?: string;
  readonly example?: unknown;
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
}

interface Operation {
  readonly summary?: string;
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content?: unknown }>>;
}

interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

let server: ServerProcess;
let document: Document;

beforeAll(async () => {
  server = await ServerProcess.ready({ MAX_NEW_TOKENS: '300' });
  document = (await (await server.fetch('/openapi.json')).json()) as Document;
});
afterAll(() => server.stop());

describe('the OpenAPI document', () => {
  it('is valid OpenAPI 3.1', async () => {
    expect(document.openapi).toMatch(/^3\.1\./);
    expect(await new Validator().validate(document as never)).toMatchObject({ valid: true });
  });

  it('has every route, each with a summary and its errors', () => {
    const routes = Object.entries(document.paths).flatMap(([path, operations]) =>
      Object.entries(operations).map(([method, operation]) => ({
        route: `${method.toUpperCase()} ${path}`,
        operation,
      })),
    );
    const errors = Object.fromEntries(routes.map(({ route, operation }) => [route, Object.keys(operation.responses)]));
    expect(errors).toEqual({
      'POST /generate': ['200', '413', '422', '424', '429', '500', '503'],
      'POST /v1/chat/completions': ['200', '400', '404', '413', '429', '500', '503'],
      'POST /v1/completions': ['200', '400', '404', '413', '429', '500', '503'],
      'GET /v1/models': ['200', '503'],
      'GET /v1/models/{id}': ['200', '404', '503'],
      'POST /tokenize': ['200', '400', '413', '429', '500', '503'],
      'POST /detokenize': ['200', '400', '413', '429', '500', '503'],
      'POST /': ['200', '413', '422', '424', '429', '500', '503'],
      'POST /generate_stream': ['200', '413', '422', '424', '429', '500', '503'],
      'GET /info': ['200', '503'],
      'POST /v1/messages': ['200', '400', '404', '413', '429', '500', '503'],
      'POST /v1/messages/count_tokens': ['200', '400', '404', '413', '429', '500', '503'],
      'POST /v1/responses': ['200', '400', '404', '413', '429', '500', '503'],
      'GET /v1/responses/{id}': ['404'],
      'POST /v1/explain': ['200', '400', '404', '413', '429', '500', '503'],
      'GET /health': ['200', '503'],
      'GET /health/startup': ['200', '503'],
      'GET /health/live': ['200', '503'],
      'GET /health/ready': ['200', '503'],
      'GET /metrics': ['200'],
    });
    for (const { operation } of routes) expect(operation.summary).toBeTruthy();
  });

  it('describes every field of every body, with an example', () => {
    for (const [name, { properties = {} }] of Object.entries(document.components.schemas)) {
      for (const [field, schema] of Object.entries(properties)) {
        const where = `${name}.${field}`;
        expect({ where, described: Boolean(schema.description) }).toEqual({ where, described: true });
      }
    }
    const { GenerateRequest, GenerateResponse } = document.components.schemas;
    for (const { properties = {} } of [GenerateRequest, GenerateResponse]) {
      for (const [field, { example }] of Object.entries(properties))
        expect({ field, example }).toHaveProperty('example', expect.anything());
    }
  });

  it('gives defaults and ranges, as they are configured', () => {
    const { properties = {}, required } = document.components.schemas.GenerateRequest;
    expect(required).toEqual(['prompt']);
    expect(properties.max_new_tokens).toMatchObject({ minimum: 1, maximum: 300, default: 128 });
    expect(properties.temperature).toMatchObject({ minimum: 0, maximum: 2 });
  });

  it.each([
    ['/generate', 'GenerateRequest'],
    ['/v1/chat/completions', 'ChatCompletionRequest'],
    ['/v1/completions', 'CompletionRequest'],
    ['/', 'TgiCompatRequest'],
    ['/generate', 'TgiRequest'],
    ['/generate_stream', 'TgiRequest'],
    ['/tokenize', 'TokenizeRequest'],
    ['/detokenize', 'DetokenizeRequest'],
  ])('gives an example request that works: POST %s', async (path, name) => {
    const { properties = {} } = document.components.schemas[name];
    const body = Object.fromEntries(Object.entries(properties).map(([field, { example }]) => [field, example]));
    expect((await server.post(path, body)).status).toBe(200);
  });
});

describe('Swagger UI', () => {
  it('is at /docs, with its scripts and styles from this server', async () => {
    const page = await (await server.fetch('/docs')).text();
    const assets = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, asset]) => asset);
    expect(assets.length).toBeGreaterThan(3);
    for (const asset of assets) {
      expect(asset).not.toMatch(/^(https?:)?\/\//);
      expect((await server.fetch(new URL(asset, 'http://server/docs').pathname)).status).toBe(200);
    }
  });
});
