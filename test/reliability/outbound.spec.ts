/** The server calls nobody, whatever it is asked for. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT } from '../support/folders.js';
import { ServerProcess } from '../support/server.js';
import { type OpenApi, PostRoute } from './support/document.js';

const PRELOAD = `--import=${pathToFileURL(join(ROOT, 'test/support/tell-calls.mjs')).href}`;

/** Every route once, and what is not there. */
async function askEverything(server: ServerProcess): Promise<void> {
  const document = (await (await server.fetch('/openapi.json')).json()) as OpenApi;
  const routes = PostRoute.all(document);
  expect(routes.length).toBeGreaterThan(10);
  for (const { path, body } of routes) {
    const { status } = await server.post(path, { ...body, ...(path !== '/v1/explain' && { max_tokens: 2 }) });
    expect(status).toBeLessThan(500);
  }
  const links = 'http://example.com/a.png';
  await server.post('/v1/chat/completions', {
    messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: links } }] }],
  });
  await server.post('/v1/completions', { prompt: links, max_tokens: 1, structured_outputs: { json: { $ref: links } } });
  for (const path of ['/docs', '/docs/swagger-ui.css', '/metrics', '/health', '/info', '/v1/models', links]) {
    await (await server.fetch(path.startsWith('/') ? path : `/${path}`)).text();
  }
}

it('not at its start, for no request and not at its end', async () => {
  const server = await ServerProcess.ready({ NODE_OPTIONS: PRELOAD });
  await askEverything(server);
  expect(await server.stop()).toEqual({ code: 0, signal: null });
  expect(server.noise).toEqual([]);
});

it('but for traces, where the operator says where to', async () => {
  const server = await ServerProcess.ready({
    NODE_OPTIONS: PRELOAD,
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9',
    SHUTDOWN_TIMEOUT: '1',
  });
  await server.post('/generate', { prompt: 'x', max_new_tokens: 1 });
  await server.stop();
  expect(server.noise).toContain('calls connect');
});
