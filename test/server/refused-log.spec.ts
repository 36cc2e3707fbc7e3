import { hashOfKey } from '../../src/config/api-keys.js';
import { TestApplication } from '../support/application.js';
import { ScriptedProvider } from '../support/scripted-provider.js';

let application: TestApplication;
beforeAll(async () => {
  application = await TestApplication.ready(new ScriptedProvider(), { apiKeyHashes: [hashOfKey('the-key')] });
});
afterAll(() => application.close());

it.each(['/generate', '/', '/generate_stream', '/v1/chat/completions', '/v1/messages', '/v1/responses', '/tokenize'])(
  'the log says why a request to %s was refused, once',
  async (route) => {
    expect((await application.post(route, {})).status).toBe(401);
    const lines = application.logs.filter(({ msg, route: of }) => msg === 'request' && of === route);
    expect(lines).toEqual([expect.objectContaining({ status: 401, outcome: 'unauthorized' })]);
  },
);
