import { parseNamedEvents } from '../support/event-stream.js';
import { ServerProcess } from '../support/server.js';

interface Item {
  readonly id: string;
  readonly type: string;
  readonly status: string;
  readonly call_id?: string;
  readonly arguments?: string;
  readonly content?: readonly { readonly type: string; readonly text: string; readonly logprobs?: readonly object[] }[];
}

interface Answer {
  readonly status: string;
  readonly incomplete_details: object | null;
  readonly output: readonly Item[];
  readonly usage: { readonly output_tokens: number; readonly output_tokens_details: object };
  readonly warnings?: readonly string[];
}

interface Event {
  readonly type: string;
  readonly sequence_number: number;
  readonly response?: Answer;
  readonly item?: Item;
  readonly item_id?: string;
  readonly output_index?: number;
  readonly delta?: string;
  readonly text?: string;
  readonly arguments?: string;
}

const RESPONSES = '/v1/responses';
const QUESTION = 'What is an Inference Endpoint?';
const CITY = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
const WEATHER = { type: 'function', name: 'get_weather', description: 'Get the weather of a city.', parameters: CITY };
const ASK_WEATHER = { input: 'What is the weather in Oslo?', tools: [WEATHER] };
const NO_THOUGHT = { reasoning: { effort: 'none' } };

let server: ServerProcess;
beforeAll(async () => (server = await ServerProcess.ready()));
afterAll(() => server.stop());

async function ask(body: object): Promise<Answer> {
  const response = await server.post(RESPONSES, body);
  expect(response.status).toBe(200);
  return (await response.json()) as Answer;
}

async function stream(body: object): Promise<Event[]> {
  const response = await server.post(RESPONSES, { ...body, stream: true });
  const events = parseNamedEvents<Event>(await response.text());
  expect(events.map((event) => event.sequence_number)).toEqual([...events.keys()]);
  return events;
}

/** What differs from answer to answer. */
const withoutIds = ({ output }: Answer): object[] =>
  output.map((item) => ({ ...item, id: undefined, call_id: undefined }));

const textsOf = ({ output }: Answer): string[] => output.flatMap(({ content = [] }) => content.map(({ text }) => text));

describe('a response', () => {
  it('has thoughts and text as items of their own', async () => {
    const { output, status, usage } = await ask({ input: QUESTION });
    expect(output.map(({ type }) => type)).toEqual(['reasoning', 'message']);
    expect(status).toBe('completed');
    expect(usage.output_tokens).toBe(39);
    expect(usage.output_tokens_details).toEqual({ reasoning_tokens: expect.any(Number) as number });
  });

  it('is the same as a stream', async () => {
    const complete = await ask({ input: QUESTION });
    const events = await stream({ input: QUESTION });
    expect(events[0].type).toBe('response.created');
    expect(events.at(-1)?.type).toBe('response.completed');
    const last = events.at(-1)?.response as Answer;
    expect(withoutIds(last)).toEqual(withoutIds(complete));
    expect(last.usage.output_tokens).toBe(complete.usage.output_tokens);
    for (const [index, { id, content = [] }] of last.output.entries()) {
      const ofItem = events.filter((event) => event.item_id === id);
      expect(ofItem.every((event) => event.output_index === index)).toBe(true);
      expect(ofItem.map(({ delta = '' }) => delta).join('')).toBe(content[0].text);
      const types = ofItem.map(({ type }) => type).filter((type, i, all) => type !== all[i - 1]);
      const kind = index === 0 ? 'reasoning_text' : 'output_text';
      expect(types).toEqual([
        'response.content_part.added',
        `response.${kind}.delta`,
        `response.${kind}.done`,
        'response.content_part.done',
      ]);
    }
  });

  it('goes on with a conversation', async () => {
    const { output } = await ask({ input: QUESTION, ...NO_THOUGHT });
    const input = [{ role: 'user', content: QUESTION }, ...output, { role: 'user', content: 'what is a token?' }];
    const { output: more } = await ask({ input, instructions: 'You are Demo.', ...NO_THOUGHT });
    expect(more.map(({ type }) => type)).toEqual(['message']);
  });

  it('is incomplete when it is cut', async () => {
    const answer = await ask({ input: QUESTION, max_output_tokens: 4, ...NO_THOUGHT });
    expect(answer).toMatchObject({ status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } });
    expect(answer.output[0].status).toBe('incomplete');
    expect((await stream({ input: QUESTION, max_output_tokens: 4 })).at(-1)?.type).toBe('response.incomplete');
  });

  it('tells log probabilities of its text', async () => {
    const { output } = await ask({ input: QUESTION, top_logprobs: 2, max_output_tokens: 5, ...NO_THOUGHT });
    const [{ text, logprobs = [] }] = output[0].content ?? [];
    expect((logprobs as { token: string }[]).map(({ token }) => token).join('')).toBe(text);
  });

  it('names what had no effect', async () => {
    const response = await server.post(RESPONSES, { input: QUESTION, store: true, user: 'me', max_output_tokens: 1 });
    const { warnings } = (await response.json()) as Answer;
    expect(warnings).toEqual(['user is not known here and was ignored', 'store has no effect: nothing is stored']);
    expect(response.headers.get('x-warnings')).toContain('"user is not known here and was ignored"');
  });
});

describe('functions', () => {
  it('are called, and their results answered', async () => {
    const { output } = await ask(ASK_WEATHER);
    const [call] = output;
    expect(withoutIds({ output } as never)).toEqual([
      { type: 'function_call', status: 'completed', name: 'get_weather', arguments: '{"city": "Oslo"}' },
    ]);
    const result = { type: 'function_call_output', call_id: call.call_id, output: 'sunny' };
    const input = [{ role: 'user', content: ASK_WEATHER.input }, call, result];
    expect(textsOf(await ask({ ...ASK_WEATHER, input })).at(-1)).toBe('It is sunny in Oslo.');
  });

  it('are called in a stream as well', async () => {
    const events = await stream(ASK_WEATHER);
    const ofCall = events.filter(({ type }) => type.startsWith('response.function_call_arguments'));
    const whole = ofCall.at(-1)?.arguments;
    expect(ofCall.map(({ delta = '' }) => delta).join('')).toBe(whole);
    expect(whole).toBe('{"city": "Oslo"}');
  });
});

describe('an error', () => {
  it.each([
    [{ input: QUESTION, previous_response_id: 'resp_1' }, 'previous_response_id'],
    [{ input: QUESTION, conversation: 'conv_1' }, 'conversation'],
    [{ input: QUESTION, background: true }, 'background'],
    [{ input: QUESTION, truncation: 'auto' }, 'truncation'],
    [{ input: QUESTION, tools: [{ type: 'web_search' }] }, 'tools[0].type'],
    [{ input: [{ type: 'item_reference', id: 'x' }] }, 'input[0].type'],
    [{ input: [{ role: 'user', content: [{ type: 'input_image' }] }] }, 'input[0].content[0].type'],
    [{ input: [] }, 'input'],
    [{}, 'input'],
  ])('names the parameter: %j', async (body, param) => {
    const response = await server.post(RESPONSES, body);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { type: 'invalid_request_error', param } });
  });

  it('says that no answer is stored', async () => {
    const response = await server.fetch(`${RESPONSES}/resp_1`);
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ error: { code: 'response_not_found' } });
  });
});
