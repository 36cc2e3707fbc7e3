/** What templates do with a clock and with messages that they reject, in each dialect of chats. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fixture, TemporaryFolders } from '../support/folders.js';
import { ServerProcess } from '../support/server.js';

const REASON = 'Conversation roles must alternate: user/assistant/user…';
const folders = new TemporaryFolders();
let server: ServerProcess;
beforeAll(async () => {
  const folder = folders.copyOf(fixture('llama'));
  writeFileSync(
    join(folder, 'chat_template.jinja'),
    `{{- 'Year ' + strftime_now('%Y') + '.' }}
{%- for message in messages %}
  {%- if (message.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('${REASON}') }}{% endif %}
  {%- if message.role == 'assistant' %}
    {%- generation %}{{ message.content }}{% endgeneration %}
  {%- else %}{{ message.content }}{% endif %}
{%- endfor %}`,
  );
  server = await ServerProcess.ready({ MODEL_PATH: folder, MODEL_ID: 'llama' });
});
afterAll(async () => {
  await server.stop();
  folders.remove();
});

const messages = ['One?', 'Two?'].map((content) => ({ role: 'user', content }));

/** Of each dialect: a request, and where the reason is in its error. */
const DIALECTS: readonly [route: string, body: object, error: object][] = [
  ['/v1/chat/completions', { messages, max_tokens: 2 }, { error: { type: 'invalid_request_error', code: null } }],
  ['/v1/responses', { input: messages, max_output_tokens: 16 }, { error: { type: 'invalid_request_error' } }],
  [
    '/v1/messages',
    {
      model: 'llama',
      messages: [...messages.slice(0, 1), { role: 'assistant', content: 'x' }],
      system: 'Be brief.',
      max_tokens: 2,
    },
    { type: 'error', error: { type: 'invalid_request_error' } },
  ],
  [
    '/v1/messages/count_tokens',
    { model: 'llama', messages: messages.slice(0, 1), system: 'Be brief.' },
    { type: 'error', error: { type: 'invalid_request_error' } },
  ],
  ['/tokenize', { messages }, { error: { type: 'invalid_request_error' } }],
];

describe('messages that the template rejects', () => {
  it.each(DIALECTS)('are a 400 of %s that says why', async (route, body, error) => {
    for (const stream of route.includes('token') ? [undefined] : [false, true]) {
      const response = await server.post(route, { ...body, stream });
      expect(response.status).toBe(400);
      expect(response.headers.get('content-type')).toMatch(/^application\/json/);
      const answered = (await response.json()) as { error: { message: string } };
      expect(answered).toMatchObject(error);
      expect(answered.error.message).toContain(REASON);
    }
  });
});

it('a template has a clock, and its marks of what to train on are no text', async () => {
  const chat = [
    { role: 'user', content: 'One?' },
    { role: 'assistant', content: 'Yes.' },
    { role: 'user', content: 'Two?' },
  ];
  const before = new Date().getFullYear();
  const response = await server.post('/v1/explain', {
    route: '/v1/chat/completions',
    request: { messages: chat, max_tokens: 2 },
  });
  const after = new Date().getFullYear();
  expect(response.status).toBe(200);
  const text = JSON.stringify(await response.json());
  expect([before, after].some((year) => text.includes(`Year ${year}.One?Yes.Two?`))).toBe(true);
});
