import { parseEvents } from '../support/event-stream.js';
import { ServerProcess } from '../support/server.js';

const CHAT = '/v1/chat/completions';
const messages = [{ role: 'user', content: 'What is the capital of France?' }];
const schema = {
  type: 'object',
  properties: { city: { type: 'string', maxLength: 20 }, sure: { type: 'boolean' } },
  required: ['city', 'sure'],
  additionalProperties: false,
};
const response_format = { type: 'json_schema', json_schema: { name: 'capital', schema, strict: true } };

interface Choice {
  readonly text: string;
  readonly message: { readonly content: string; readonly reasoning_content?: string };
  readonly delta: { readonly content?: string };
  readonly finish_reason: string | null;
}

let server: ServerProcess;
beforeAll(async () => (server = await ServerProcess.ready()));
afterAll(() => server.stop());

async function choiceOf(path: string, body: object): Promise<Choice> {
  const response = await server.post(path, body);
  expect(response.status).toBe(200);
  return ((await response.json()) as { choices: Choice[] }).choices[0];
}

const VALID = { city: expect.any(String) as string, sure: expect.any(Boolean) as boolean };

it('a schema holds for the answer', async () => {
  const { message, finish_reason } = await choiceOf(CHAT, { messages, response_format });
  expect(JSON.parse(message.content)).toEqual(VALID);
  expect(finish_reason).toBe('stop');
});

it('a schema holds for a stream', async () => {
  const response = await server.post(CHAT, { messages, response_format, stream: true, temperature: 1, seed: 1 });
  const { data } = parseEvents(await response.text());
  const chunks = data.slice(0, -1).map((chunk) => (JSON.parse(chunk) as { choices: Choice[] }).choices[0]);
  expect(JSON.parse(chunks.map(({ delta }) => delta.content ?? '').join(''))).toEqual(VALID);
  expect(chunks.at(-1)?.finish_reason).toBe('stop');
});

it('a thought that is asked for comes before it', async () => {
  const { message } = await choiceOf(CHAT, { messages, response_format, enable_thinking: true });
  expect(message.reasoning_content).toContain('Paris');
  expect(JSON.parse(message.content)).toEqual(VALID);
});

it('an object of any kind', async () => {
  const { message } = await choiceOf(CHAT, { messages, response_format: { type: 'json_object' } });
  expect(JSON.parse(message.content)).toEqual(expect.any(Object));
});

it.each([
  [{ regex: '[0-9]{3}' }, /^\d{3}$/],
  [{ choice: ['red', 'green'] }, /^(red|green)$/],
  [{ grammar: 'root ::= "a" [bc]+ "d"?' }, /^a[bc]+d?$/],
  [{ json: JSON.stringify({ enum: ['x', 1] }) }, /^("x"|1)$/],
  [{ json: { const: { a: [true] } } }, /^\{"a":\[true\]\}$/],
  [{ json_object: true }, /^\{[^]*\}$/],
])('%j holds for a completion', async (structured_outputs, expected) => {
  const { text } = await choiceOf('/v1/completions', {
    prompt: 'Hello',
    structured_outputs,
    max_tokens: 60,
    min_tokens: 0,
  });
  expect(text).toMatch(expected);
});

it.each([
  [
    { response_format: { type: 'json_schema', json_schema: { name: 'a', schema: { not: {} } } } },
    'response_format',
    /not/,
  ],
  [{ structured_outputs: { regex: '(' } }, 'structured_outputs', /group/],
  [
    { structured_outputs: { json: JSON.parse('{"items":'.repeat(3_000) + '{}' + '}'.repeat(3_000)) as object } },
    null,
    /deep/,
  ],
])('what cannot be enforced is told: %#', async (fields, param, message) => {
  for (const stream of [false, true]) {
    const response = await server.post(CHAT, { messages, stream, ...fields });
    expect(response.status).toBe(400);
    const { error } = (await response.json()) as { error: { param: string; message: string } };
    expect(error).toMatchObject({ param, message: expect.stringMatching(message) as string });
  }
  const { message: next } = await choiceOf(CHAT, { messages, structured_outputs: { choice: ['fine'] } });
  expect(next.content).toBe('fine');
});

const UNUSABLE = { type: 'object', not: {} };
const FUNCTION = { name: 'f', parameters: UNUSABLE };
it.each<[string, object, string]>([
  [
    CHAT,
    { messages, response_format: { type: 'json_schema', json_schema: { name: 'x', schema: UNUSABLE } } },
    'response_format',
  ],
  [CHAT, { messages, tools: [{ type: 'function', function: FUNCTION }], tool_choice: 'required' }, 'tools'],
  ['/v1/responses', { input: 'a', text: { format: { type: 'json_schema', name: 'x', schema: UNUSABLE } } }, 'text'],
  ['/v1/responses', { input: 'a', tools: [{ type: 'function', ...FUNCTION }] }, 'tools'],
  [
    '/v1/messages',
    { messages, max_tokens: 9, output_config: { format: { type: 'json_schema', schema: UNUSABLE } } },
    'output_config',
  ],
  [
    '/v1/messages',
    { messages, max_tokens: 9, tools: [{ name: 'f', input_schema: UNUSABLE }], tool_choice: { type: 'any' } },
    'tools',
  ],
  ['/generate', { inputs: 'a', parameters: { grammar: { type: 'json', value: UNUSABLE } } }, 'parameters.grammar'],
])('what cannot be enforced is refused by the name of its parameter: %s %j', async (path, body, param) => {
  const response = await server.post(path, { model: 'demo', ...body });
  expect([400, 422]).toContain(response.status);
  expect(await response.text()).toContain(`${param}: the JSON schema at # has the keyword not`);
});
