import { parseNamedEvents } from '../support/event-stream.js';
import { ServerProcess } from '../support/server.js';

interface Block {
  readonly type: string;
  readonly text?: string;
  readonly thinking?: string;
  readonly id?: string;
  readonly name?: string;
  readonly input?: object;
}

interface Usage {
  readonly input_tokens: number;
  readonly cache_read_input_tokens: number;
  readonly output_tokens: number;
}

interface Message {
  readonly id: string;
  readonly content: readonly Block[];
  readonly stop_reason: string;
  readonly stop_sequence: string | null;
  readonly usage: Usage;
  readonly warnings?: readonly string[];
}

interface Event {
  readonly type: string;
  readonly index?: number;
  readonly message?: Message;
  readonly content_block?: Block;
  readonly delta?: { readonly type?: string; readonly [field: string]: unknown };
  readonly usage?: Usage;
}

const MESSAGES = '/v1/messages';
const QUESTION = { role: 'user', content: 'What is an Inference Endpoint?' };
const ANSWER =
  'An Inference Endpoint is a server that loads a model and answers requests over HTTP. ' +
  'You send a prompt to it and get generated text back.';
const CITY = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
const WEATHER = { name: 'get_weather', description: 'Get the weather of a city.', input_schema: CITY };
const ASK_WEATHER = {
  messages: [{ role: 'user', content: 'What is the weather in Oslo?' }],
  tools: [WEATHER],
  max_tokens: 100,
};

let server: ServerProcess;
beforeAll(async () => (server = await ServerProcess.ready()));
afterAll(() => server.stop());

const post = (body: object): Promise<Response> => server.post(MESSAGES, { max_tokens: 200, ...body });

async function ask(body: object): Promise<Message> {
  const response = await post(body);
  expect(response.status).toBe(200);
  return (await response.json()) as Message;
}

/** A stream, put together as clients do. */
async function stream(body: object): Promise<{ message: Message; events: readonly Event[] }> {
  const response = await post({ ...body, stream: true });
  expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
  const events = parseNamedEvents<Event>(await response.text());
  let message = events[0].message as Message;
  const content: Block[] = [];
  for (const { type, index = -1, content_block: block, delta, usage } of events) {
    if (type === 'content_block_start') content.push(block as Block);
    if (type === 'content_block_delta') content[index] = grown(content[index], delta as never);
    if (type === 'message_delta') message = { ...message, ...delta, usage: usage as Usage };
  }
  const finished = content.map(({ input, ...block }) =>
    typeof input === 'string'
      ? { ...block, input: JSON.parse(input) as object }
      : { ...block, ...(input && { input }) },
  );
  return { message: { ...message, content: finished }, events };
}

function grown(block: Block, delta: Record<string, string>): Block {
  if (delta.type === 'input_json_delta') {
    const before = typeof block.input === 'string' ? block.input : '';
    return { ...block, input: (before + delta.partial_json) as never };
  }
  if (delta.type === 'signature_delta') return { ...block, signature: delta.signature } as Block;
  const field = delta.type === 'text_delta' ? 'text' : 'thinking';
  return { ...block, [field]: (block[field] ?? '') + delta[field] };
}

describe('a message', () => {
  it('is the answer, without a thought unless it is asked for', async () => {
    const { content, stop_reason, usage } = await ask({ messages: [QUESTION] });
    expect(content).toEqual([{ type: 'text', text: ANSWER, citations: null }]);
    expect(stop_reason).toBe('end_turn');
    expect(usage.output_tokens).toBe(29);
  });

  it('is the same as a stream, event by event', async () => {
    const body = { messages: [QUESTION], thinking: { type: 'enabled', budget_tokens: 100 } };
    const { content, stop_reason, usage } = await ask(body);
    const { message, events } = await stream(body);
    expect(message).toMatchObject({ content, stop_reason });
    expect(message.usage.output_tokens).toBe(usage.output_tokens);
    const types = events.map(({ type }) => type).filter((type, i, all) => type !== all[i - 1]);
    const block = ['content_block_start', 'content_block_delta', 'content_block_stop'];
    expect(types).toEqual(['message_start', 'ping', ...block, ...block, 'message_delta', 'message_stop']);
  });

  it('says what it has in common with earlier ones', async () => {
    const messages = [{ role: 'user', content: 'what is a token?' }];
    const first = await ask({ messages });
    const count = await server.post(`${MESSAGES}/count_tokens`, { messages });
    const { usage } = await ask({ messages });
    expect(usage.cache_read_input_tokens).toBeGreaterThan(30);
    expect(usage.input_tokens + usage.cache_read_input_tokens).toBe(
      first.usage.input_tokens + first.usage.cache_read_input_tokens,
    );
    expect(await count.json()).toEqual({ input_tokens: usage.input_tokens + usage.cache_read_input_tokens });
  });

  it('thinks when it is asked to', async () => {
    const { content } = await ask({ messages: [QUESTION], thinking: { type: 'enabled', budget_tokens: 100 } });
    expect(content.map(({ type }) => type)).toEqual(['thinking', 'text']);
    expect(content[0].thinking).toBe('I know this one.');
    expect(content[1].text).toBe(ANSWER);
  });

  it('goes on from what is said already', async () => {
    const begun = 'An Inference Endpoint is a server';
    const { content } = await ask({ messages: [QUESTION, { role: 'assistant', content: begun }] });
    expect(begun + content[0].text).toBe(ANSWER);
  });

  it.each([
    [{ stop_sequences: [' answers'] }, 'stop_sequence', ' answers'],
    [{ max_tokens: 3 }, 'max_tokens', null],
  ])('ends as asked: %j', async (fields, reason, sequence) => {
    const { stop_reason, stop_sequence } = await ask({ messages: [QUESTION], ...fields });
    expect({ stop_reason, stop_sequence }).toEqual({ stop_reason: reason, stop_sequence: sequence });
  });

  it('takes instructions and text as blocks', async () => {
    const text = (content: string): object[] => [{ type: 'text', text: content }];
    const plain = await ask({ system: 'You are Demo.', messages: [QUESTION] });
    const blocks = await ask({
      system: text('You are Demo.'),
      messages: [{ role: 'user', content: text(QUESTION.content) }],
    });
    expect(blocks.content).toEqual(plain.content);
  });
});

describe('tools', () => {
  it('are called, and their results answered', async () => {
    const { content, stop_reason } = await ask(ASK_WEATHER);
    const [call] = content;
    expect(content).toEqual([{ type: 'tool_use', id: call.id, name: 'get_weather', input: { city: 'Oslo' } }]);
    expect(stop_reason).toBe('tool_use');
    const result = { type: 'tool_result', tool_use_id: call.id, content: [{ type: 'text', text: 'sunny' }] };
    const messages = [...ASK_WEATHER.messages, { role: 'assistant', content }, { role: 'user', content: [result] }];
    const answered = await ask({ ...ASK_WEATHER, messages });
    expect(answered.content).toEqual([{ type: 'text', text: 'It is sunny in Oslo.', citations: null }]);
  });

  it('are called in a stream as well', async () => {
    const { message, events } = await stream(ASK_WEATHER);
    expect(message.content).toMatchObject([{ type: 'tool_use', name: 'get_weather', input: { city: 'Oslo' } }]);
    expect(message.stop_reason).toBe('tool_use');
    expect(events.filter(({ delta }) => delta?.type === 'input_json_delta').length).toBeGreaterThan(1);
  });

  it('are not, where they must not be', async () => {
    const { content } = await ask({ ...ASK_WEATHER, tool_choice: { type: 'none' } });
    expect(content.every(({ type }) => type === 'text')).toBe(true);
  });
});

describe('what has no effect, or less', () => {
  it('is named in the answer and in a header', async () => {
    const content = [{ type: 'text', text: 'hi', cache_control: { type: 'ephemeral' } }];
    const response = await post({ max_tokens: 100_000, metadata: {}, messages: [{ role: 'user', content }] });
    const { warnings = [] } = (await response.json()) as Message;
    expect(warnings).toEqual([
      'metadata is not known here and was ignored',
      'cache_control of text blocks is not known here and was ignored',
      expect.stringMatching(/^max_tokens is 100000, but only \d+ tokens fit after the prompt$/),
    ]);
    expect(response.headers.get('x-warnings')).toBe(warnings.map((warning) => `"${warning}"`).join(', '));
  });

  it('is nothing when all had', async () => {
    const response = await post({ messages: [QUESTION] });
    expect(response.headers.has('x-warnings')).toBe(false);
    expect(await response.json()).not.toHaveProperty('warnings');
  });
});

describe('an error', () => {
  async function errorOf(response: Response): Promise<{ type: string; message: string }> {
    const body = (await response.json()) as { error: { type: string; message: string }; request_id: string };
    expect(body).toMatchObject({ type: 'error', request_id: response.headers.get('request-id') });
    return body.error;
  }

  it.each([
    [{ messages: [] }, 'messages: At least one message is required'],
    [{ messages: [QUESTION], max_tokens: null }, 'max_tokens: Input should be a whole number of at least 1'],
    [{ messages: [QUESTION], temperature: 1.5 }, 'temperature: Input should be less than or equal to 1'],
    [{ messages: [{ role: 'user', content: [{ type: 'image' }] }] }, 'messages.0.content.0.type: '],
    [{ messages: [QUESTION], tools: [{ type: 'web_search_20250305', name: 'x' }] }, 'tools.0.type: '],
    [{ messages: [QUESTION], thinking: { type: 'enabled', budget_tokens: 200 } }, 'thinking: budget_tokens should be'],
    [{ messages: [QUESTION], container: 'c' }, 'container: This is not supported by this server'],
    [{ messages: [{ role: 'user', content: 'x '.repeat(5000) }] }, 'the prompt has '],
  ])('says what is wrong: %.80j', async (body, message) => {
    const response = await post(body);
    expect(response.status).toBe(400);
    const error = await errorOf(response);
    expect(error.type).toBe('invalid_request_error');
    expect(error.message).toContain(message);
  });

  it('of a model that is not there is a 404', async () => {
    const response = await post({ model: 'claude', messages: [QUESTION] });
    expect([response.status, (await errorOf(response)).type]).toEqual([404, 'not_found_error']);
  });

  it.each([
    ['/v1/messages/batches', {}, 404, 'not_found_error'],
    ['/v1/messages', '{', 400, 'invalid_request_error'],
    ['/v1/messages', { messages: 'x'.repeat(2_000_000) }, 413, 'request_too_large'],
  ])('before any route has this shape too: %s %.20j', async (path, body, status, type) => {
    const response = await server.post(path, body);
    expect([response.status, (await errorOf(response)).type]).toEqual([status, type]);
  });
});
