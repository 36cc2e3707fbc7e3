/** What is refused before it reaches a route is told as the dialect of its path tells errors. */
import { TestApplication } from '../support/application.js';
import { ScriptedProvider } from '../support/scripted-provider.js';

let application: TestApplication;
beforeAll(async () => (application = await TestApplication.ready(new ScriptedProvider())));
afterAll(() => application.close());

const openAi = (message: string) => ({
  error: { message, type: 'invalid_request_error', param: null, code: null },
});
const anthropic = (message: string, type = 'invalid_request_error') => ({
  type: 'error',
  error: { type, message },
  request_id: expect.any(String) as string,
});
const tgi = (message: string) => ({ error: message, error_type: 'validation' });
const fastApi = (message: string) => ({ detail: message });

describe('a body that is too large is 413', () => {
  const message = 'The body has more than 1 MiB';

  it.each<[string, object]>([
    ['/v1/chat/completions', openAi(message)],
    ['/v1/completions', openAi(message)],
    ['/v1/responses', openAi(message)],
    ['/v1/explain', openAi(message)],
    ['/tokenize', openAi(message)],
    ['/detokenize', openAi(message)],
    ['/v1/messages', anthropic(message, 'request_too_large')],
    ['/v1/messages/count_tokens', anthropic(message, 'request_too_large')],
    ['/', tgi(message)],
    ['/generate_stream', tgi(message)],
    ['/generate', fastApi(message)],
    ['/of/nobody', fastApi(message)],
  ])('%s', async (path, expected) => {
    const response = await application.post(path, undefined, { body: ' '.repeat(2 ** 20 + 1) });
    expect([response.status, await response.json()]).toEqual([413, expected]);
  });
});

describe('a body that is packed is 415', () => {
  const message = 'The body must not be compressed: there must be no Content-Encoding';

  it.each<[string, object]>([
    ['/v1/completions', openAi(message)],
    ['/v1/messages', anthropic(message)],
    ['/', tgi(message)],
    ['/generate', fastApi(message)],
  ])('%s', async (path, expected) => {
    const response = await application.post(path, {}, { headers: { 'content-encoding': 'gzip' } });
    expect([response.status, await response.json()]).toEqual([415, expected]);
  });
});

describe('a URL that cannot be decoded is 400', () => {
  const message = 'The URL cannot be decoded';

  it.each<[string, object]>([
    ['/v1/%ZZ', openAi(message)],
    ['/v1/models/%E0%A4%A', openAi(message)],
    ['/tokenize/%', openAi(message)],
    ['/v1/messages/%ff', anthropic(message)],
    ['/%ZZ', fastApi(message)],
    ['/generate/%ZZ', fastApi(message)],
  ])('%s', async (path, expected) => {
    for (const method of ['GET', 'POST']) {
      const response = await application.fetch(path, { method, headers: { 'x-request-id': 'mine' } });
      expect([response.status, await response.json()]).toEqual([400, expected]);
      expect(response.headers.get('x-request-id')).toBe('mine');
    }
    expect(application.logs.at(-1)).toMatchObject({ msg: 'request', status: 400, outcome: 'invalid' });
  });
});
