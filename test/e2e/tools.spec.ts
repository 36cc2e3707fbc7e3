import { parseEvents } from '../support/event-stream.js';
import { demoCases } from '../support/golden.js';
import { ServerProcess } from '../support/server.js';

interface Call {
  readonly index: number;
  readonly id?: string;
  readonly function: { readonly name?: string; readonly arguments: string };
}

interface Message {
  readonly content?: string | null;
  readonly reasoning_content?: string;
  readonly tool_calls?: readonly Call[];
}

interface Completion {
  readonly id: string;
  readonly choices: readonly { message: Message; delta: Message; finish_reason: string | null }[];
  readonly usage: {
    prompt_tokens: number;
    completion_tokens: number;
    completion_tokens_details: { reasoning_tokens: number };
  };
}

const CHAT = '/v1/chat/completions';

let server: ServerProcess;
beforeAll(async () => (server = await ServerProcess.ready()));
afterAll(() => server.stop());

async function ask(body: object): Promise<Completion> {
  const response = await server.post(CHAT, body);
  expect(response.status).toBe(200);
  return (await response.json()) as Completion;
}

/** A stream put together, as clients do. */
async function stream(body: object): Promise<{ message: Message; finish_reason: string | null }> {
  const { data } = parseEvents(await (await server.post(CHAT, { ...body, stream: true })).text());
  const message = { content: '', reasoning_content: '', tool_calls: [] as { name: string; arguments: string }[] };
  let reason: string | null = null;
  for (const chunk of data.slice(0, -1)) {
    const [{ delta, finish_reason: finish }] = (JSON.parse(chunk) as Completion).choices;
    message.content += delta.content ?? '';
    message.reasoning_content += delta.reasoning_content ?? '';
    for (const {
      index,
      id,
      function: { name, arguments: text },
    } of delta.tool_calls ?? []) {
      // Who is called is told once.
      expect(id !== undefined).toBe(message.tool_calls[index] === undefined);
      const call = (message.tool_calls[index] ??= { name: name as string, arguments: '' });
      call.arguments += text;
    }
    reason = finish;
  }
  return { message: message as never, finish_reason: reason };
}

/** The token `<tool_call>`, and the one that begins its text. */
const CALL_NEVER = { 1786: -100, 30: -100 };
/** The token `<think>`. */
const THINK = 1784;

const calls = demoCases().filter(({ text }) => text.startsWith('<tool_call>'));

describe('the demo model calls its tools', () => {
  it.each(calls)('as in $text, as JSON and as a stream', async ({ messages, tools, text }) => {
    const written = JSON.parse(text.replace(/<\/?tool_call>/g, '')) as { name: string; arguments: object };
    const { choices } = await ask({ messages, tools });
    const [{ message, finish_reason: reason }] = choices;
    expect([reason, message.content]).toEqual(['tool_calls', null]);
    const [call] = message.tool_calls as readonly Call[];
    expect(message.tool_calls).toHaveLength(1);
    expect([call.function.name, JSON.parse(call.function.arguments)]).toEqual([written.name, written.arguments]);
    expect(await stream({ messages, tools })).toEqual({
      message: { content: '', reasoning_content: '', tool_calls: [call.function] },
      finish_reason: 'tool_calls',
    });
  });

  it('and answers with what they return', async () => {
    const { messages, tools } = calls.find(({ text }) => text.includes('Oslo')) as (typeof calls)[number];
    const [{ message }] = (await ask({ messages, tools })).choices;
    const result = { role: 'tool', tool_call_id: message.tool_calls?.[0].id, content: 'sunny' };
    const { choices } = await ask({ messages: [...messages, message, result], tools });
    expect(choices[0]).toMatchObject({ message: { content: 'It is sunny in Oslo.' }, finish_reason: 'stop' });
  });

  it.each<[unknown, string]>([
    ['required', 'get_weather|get_time|add'],
    [{ type: 'function', function: { name: 'get_time' } }, 'get_time'],
  ])('whatever the question is, with tool_choice %j', async (choice, names) => {
    const messages = [{ role: 'user', content: 'Tell me a joke.' }];
    const { choices } = await ask({ messages, tools: calls[0].tools, tool_choice: choice, parallel_tool_calls: false });
    const [call] = choices[0].message.tool_calls as readonly Call[];
    expect(call.function.name).toMatch(new RegExp(`^(${names})$`));
    expect(
      Object.keys(JSON.parse(call.function.arguments) as object)
        .sort()
        .join(),
    ).toMatch(/^(city|a,b)$/);
  });

  it('which it must, when it may think before', async () => {
    const asked = { messages: calls[0].messages, tools: calls[0].tools, reasoning_effort: 'high', max_tokens: 200 };
    const { choices } = await ask({ ...asked, tool_choice: 'required', parallel_tool_calls: false });
    expect(choices[0]).toMatchObject({ message: { content: null }, finish_reason: 'tool_calls' });
    expect(choices[0].message.tool_calls).toHaveLength(1);
  });

  it.each([false, true])('or answers in the format that was asked for, with strict tools: %j', async (strict) => {
    const tools = (calls[0].tools as readonly { function: object }[]).map((tool) => ({
      ...tool,
      function: { ...tool.function, strict },
    }));
    const schema = { type: 'object', properties: { ok: { type: 'boolean' } }, required: ['ok'] };
    const asked = { tools, response_format: { type: 'json_schema', json_schema: { name: 'x', schema } } };
    const [called] = (await ask({ messages: calls[0].messages, ...asked })).choices;
    expect(called).toMatchObject({ message: { content: null }, finish_reason: 'tool_calls' });
    // The model would rather call.
    const [answered] = (await ask({ messages: calls[0].messages, ...asked, logit_bias: CALL_NEVER })).choices;
    expect(JSON.parse(answered.message.content ?? '')).toEqual({ ok: expect.any(Boolean) as boolean });
  });

  it('but not when it has none', async () => {
    const [{ messages, tools }] = calls;
    const { choices } = await ask({ messages, tools, tool_choice: 'none', max_tokens: 30 });
    expect(choices[0].message).not.toHaveProperty('tool_calls');
  });
});

describe('the demo model thinks', () => {
  const messages = [{ role: 'user', content: 'What is 12 + 7?' }];
  const ANSWER = '12 + 7 is 19.';

  it('when it is asked, and says how much', async () => {
    const { choices, usage } = await ask({ messages });
    expect(choices[0].message).toMatchObject({ reasoning_content: '12 + 7 = 19', content: ANSWER });
    expect(usage.completion_tokens_details.reasoning_tokens).toBeGreaterThan(5);
    expect(usage.completion_tokens_details.reasoning_tokens).toBeLessThan(usage.completion_tokens - 8);
  });

  it.each([{ enable_thinking: false }, { reasoning_effort: 'none' }])('not with %j', async (fields) => {
    const { choices, usage } = await ask({ messages, ...fields });
    expect(choices[0].message).toEqual({ role: 'assistant', content: ANSWER, refusal: null });
    expect(usage.completion_tokens_details.reasoning_tokens).toBe(0);
  });

  it.each([0, 1, 3])('no more than %i tokens, when it may not', async (budget) => {
    const { id: completion, choices, usage } = await ask({ messages, thinking_token_budget: budget });
    expect(choices[0].message.content).toMatch(/is \d+\.$/);
    expect(usage.completion_tokens_details.reasoning_tokens).toBe(budget);
    // What ends the thought is no part of the prompt.
    const line = await server.find(({ request_id: id }) => id !== undefined && completion.endsWith(id as string));
    expect(line).toMatchObject({ prompt_tokens: usage.prompt_tokens });
  });

  it('before an answer in a format, even if it would not', async () => {
    const structured = { structured_outputs: { choice: ['19', '20'] }, enable_thinking: true, max_tokens: 200 };
    // Rather than `<think>`, the model says anything else.
    const { choices } = await ask({ messages, ...structured, logit_bias: { [THINK]: -100 } });
    const { content, reasoning_content: thought } = choices[0].message;
    expect([content, thought]).toEqual([expect.stringMatching(/^(19|20)$/), expect.any(String)]);
  });

  it('in the text, when the configuration leaves it there', async () => {
    const plain = await ServerProcess.ready({ REASONING: 'off' });
    const { choices } = (await (await plain.post(CHAT, { messages })).json()) as Completion;
    expect(choices[0].message.content).toBe(`<think>\n12 + 7 = 19\n</think>\n\n${ANSWER}`);
    await plain.stop();
  });
});
