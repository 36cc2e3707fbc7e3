import type { Config } from '../../src/config/config.js';
import type { ModelInfo } from '../../src/inference/inference-provider.js';
import { TestApplication } from '../support/application.js';
import { parseEvents } from '../support/event-stream.js';
import { type ScriptedAnswer, ScriptedProvider } from '../support/scripted-provider.js';

const PARAMETERS = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
const TOOL = { type: 'function', function: { name: 'get_weather', description: 'Weather.', parameters: PARAMETERS } };
const OTHER = { type: 'function', function: { name: 'now' } };
const ASK = { messages: [{ role: 'user', content: 'hi' }], tools: [TOOL, OTHER] };
const CALL = '<tool_call>{"name": "get_weather", "arguments": {"city": "Rome"}}</tool_call>';

interface Message {
  readonly content: string | null;
  readonly reasoning_content?: string;
  readonly tool_calls?: readonly { id: string; type: string; function: { name: string; arguments: string } }[];
}

interface Completion {
  readonly choices: readonly { message: Message; delta: object; finish_reason: string }[];
  readonly usage: Record<string, unknown>;
  readonly warnings?: readonly string[];
}

let provider: ScriptedProvider;
let application: TestApplication;

/** A model with this chat template. */
async function start(template: string, config: Partial<Config> = {}): Promise<void> {
  const info: Partial<ModelInfo> = { chatTemplates: { default: template } };
  provider = new ScriptedProvider(info);
  provider.automatic = false;
  provider.begins = false;
  application = await TestApplication.ready(provider, config);
}
afterEach(() => application.close());

/** Sends a chat, and lets the model say these pieces. */
async function say(pieces: readonly string[], body: object, reason = 'eos'): Promise<Response> {
  const index = provider.answers.length;
  const response = application.post('/v1/chat/completions', { ...ASK, ...body });
  const answer: ScriptedAnswer = await provider.answer(index);
  for (const piece of pieces) answer.say(piece);
  answer.finish(reason as never);
  return response;
}

async function complete(pieces: readonly string[], body: object = {}, reason?: string): Promise<Completion> {
  const response = await say(pieces, body, reason);
  expect(response.status).toBe(200);
  return (await response.json()) as Completion;
}

/** What is new in each chunk of a stream, and how it ended. */
async function stream(pieces: readonly string[], body: object = {}): Promise<{ deltas: object[]; reason: string }> {
  const { data } = parseEvents(await (await say(pieces, { ...body, stream: true })).text());
  expect(data.at(-1)).toBe('[DONE]');
  const choices = data.slice(0, -1).map((one) => (JSON.parse(one) as Completion).choices[0]);
  const last = choices.pop();
  expect(last?.delta).toEqual({});
  return { deltas: choices.map(({ delta }) => delta), reason: last?.finish_reason as string };
}

const SPACE = { type: 'regex' };

describe('a chat with tools', () => {
  beforeEach(() => start('{{ tools }} <tool_call>'));

  it('has them rendered by the template, and what follows from history', async () => {
    const calls = [{ id: 'c1', type: 'function', function: { name: 'get_weather', arguments: '{"city": "Oslo"}' } }];
    const messages = [
      { role: 'user', content: 'hi' },
      { role: 'assistant', content: null, tool_calls: calls },
      { role: 'tool', tool_call_id: 'c1', content: [{ type: 'text', text: 'sunny' }] },
    ];
    await complete(['a'], { messages });
    expect(provider.prompts[0]).toMatchObject({
      tools: [TOOL, { type: 'function', function: { name: 'now', parameters: { type: 'object', properties: {} } } }],
      messages: [
        messages[0],
        { role: 'assistant', tool_calls: [{ function: { name: 'get_weather', arguments: { city: 'Oslo' } } }] },
        { role: 'tool', tool_call_id: 'c1', content: 'sunny', name: 'get_weather' },
      ],
    });
    expect(provider.answers[0].request.keptSpecialTokens).toEqual(['<tool_call>', '</tool_call>']);
  });

  it('gets calls, and text around them', async () => {
    const { choices } = await complete(['Let me', ' see.\n', CALL, '\n', CALL]);
    const call = { type: 'function', function: { name: 'get_weather', arguments: '{"city": "Rome"}' } };
    expect(choices[0]).toMatchObject({
      finish_reason: 'tool_calls',
      message: { content: 'Let me see.', tool_calls: [call, call] },
    });
    const ids = choices[0].message.tool_calls?.map(({ id }) => id);
    expect(new Set(ids).size).toBe(2);
    expect((await complete([CALL])).choices[0].message.content).toBeNull();
  });

  it('gets them in a stream: who is called once, then arguments as they come', async () => {
    const pieces = [
      'Sure.',
      '\n<tool_',
      'call>{"name": "now"',
      ', "arguments": {',
      '"a"',
      ': 1}}',
      '</tool_call>',
      CALL,
    ];
    const { deltas, reason } = await stream(pieces);
    const id = expect.stringMatching(/^call_\w+$/) as string;
    const begun = (index: number, name: string, text: string) => ({
      tool_calls: [{ index, id, type: 'function', function: { name, arguments: text } }],
    });
    const more = (text: string) => ({ tool_calls: [{ index: 0, function: { arguments: text } }] });
    expect(deltas).toEqual([
      { role: 'assistant', content: '' },
      { content: 'Sure.' },
      begun(0, 'now', '{'),
      more('"a"'),
      more(': 1}'),
      begun(1, 'get_weather', '{"city": "Rome"}'),
    ]);
    expect(reason).toBe('tool_calls');
  });

  it('gets what was held back when the answer ends', async () => {
    expect((await stream(['a <tool_', 'call'])).deltas.slice(1)).toEqual([
      { content: 'a' },
      { content: ' <tool_call' },
    ]);
    expect((await complete(['a <tool_', 'call'])).choices[0].message.content).toBe('a <tool_call');
  });

  it('that is cut says so', async () => {
    const { choices } = await complete([CALL.slice(0, 60)], {}, 'length');
    expect(choices[0].finish_reason).toBe('length');
    expect(choices[0].message.tool_calls?.[0].function.arguments).toBe('{"city": "Ro');
  });

  it('may have only one call, if the client wants it so', async () => {
    const { choices } = await complete([CALL, CALL], { parallel_tool_calls: false });
    expect(choices[0].message.tool_calls).toHaveLength(1);
  });

  it('has no calls where they are not wanted', async () => {
    const { choices } = await complete([CALL], { tool_choice: 'none' });
    expect(provider.prompts[0]).not.toHaveProperty('tools');
    expect(choices[0]).toMatchObject({ finish_reason: 'stop', message: { content: CALL } });
  });

  it('has a grammar where a call is required, of that tool if one is named', async () => {
    interface Format {
      readonly content: {
        readonly content: { readonly tags: { begin: object; content: object }[]; readonly stop_after_first: boolean };
      };
    }
    const listOf = (index: number): Format['content']['content'] =>
      (provider.answers[index].request.grammar as never as { format: Format }).format.content.content;
    const callOf = (name: string): object => ({
      begin: { type: 'token', token: '<tool_call>' },
      content: {
        elements: [SPACE, { elements: [{ value: `{"name": "${name}", "arguments": ` }, {}, { value: '}' }] }, SPACE],
      },
      end: { type: 'token', token: '</tool_call>' },
    });
    await complete([CALL], { tool_choice: 'required' });
    expect(listOf(0)).toMatchObject({ tags: [callOf('get_weather'), callOf('now')], stop_after_first: false });
    await complete([CALL], { tool_choice: { type: 'function', function: { name: 'now' } } });
    expect(listOf(1)).toMatchObject({ tags: [callOf('now')], stop_after_first: true });
    await complete(['a']);
    expect(provider.answers[2].request.grammar).toBeUndefined();
    await complete(['a'], { tools: [{ type: 'function', function: { ...TOOL.function, strict: true } }] });
    expect(provider.answers[3].request.grammar).toMatchObject({
      format: { triggers: [{ type: 'token', token: '<tool_call>' }] },
    });
  });
});

describe('a chat with tools is refused', () => {
  it('when how the model calls them is not known', async () => {
    await start('{{ tools }}');
    const response = await application.post('/v1/chat/completions', ASK);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      error: { param: 'tools', message: expect.stringMatching('TOOL_CALL_FORMAT') as string },
    });
  });

  it('unless the configuration says how', async () => {
    await start('{{ tools }}', { toolCallFormat: 'llama3' });
    const { choices } = await complete(['{"name": "now", "parameters": {}}']);
    expect(choices[0].message.tool_calls?.[0].function.name).toBe('now');
  });
});

describe('a thought', () => {
  const ANSWER = ['<think>\n', 'I know', '.\n</think>', '\n\nYes.'];
  const NO_TOOLS = { tools: undefined };

  it('is told apart from the answer, in a stream as well', async () => {
    await start('</think>');
    const { choices, usage } = await complete(ANSWER, NO_TOOLS);
    expect(choices[0].message).toEqual({
      role: 'assistant',
      content: 'Yes.',
      reasoning_content: 'I know.',
      refusal: null,
    });
    expect(usage.completion_tokens_details).toEqual({ reasoning_tokens: 2 });
    expect((await stream(ANSWER, NO_TOOLS)).deltas).toEqual([
      { role: 'assistant', content: '' },
      { reasoning_content: 'I know' },
      { reasoning_content: '.' },
      { content: 'Yes.' },
    ]);
  });

  it('that the prompt began is one as well', async () => {
    await start('</think>');
    provider.decode = () => Promise.resolve('<|assistant|>\n<think>\n');
    const { choices } = await complete(ANSWER.slice(1), NO_TOOLS);
    expect(choices[0].message).toMatchObject({ content: 'Yes.', reasoning_content: 'I know.' });
    expect(provider.answers[0].request.thought).toEqual({ begin: '<think>', end: '</think>', open: true });
  });

  it('stays in the text where the configuration says so', async () => {
    await start('</think>', { reasoning: false });
    const { choices } = await complete(ANSWER, NO_TOOLS);
    expect(choices[0].message).toEqual({ role: 'assistant', content: ANSWER.join(''), refusal: null });
  });

  it.each([
    [{ enable_thinking: false }, { enable_thinking: false, thinking: false }, 0],
    [{ reasoning_effort: 'none' }, { enable_thinking: false, thinking: false }, 0],
    [{ reasoning_effort: 'low' }, { enable_thinking: true, thinking: true, reasoning_effort: 'low' }, undefined],
    [{ thinking_token_budget: 5 }, {}, 5],
    [
      { enable_thinking: true, reasoning_effort: 'high', chat_template_kwargs: { enable_thinking: 1, own: 2 } },
      { enable_thinking: 1, thinking: true, reasoning_effort: 'high', own: 2 },
      undefined,
    ],
  ])('follows %j', async (fields, variables, maxTokens) => {
    await start('</think>');
    const { warnings } = await complete(['a'], { ...NO_TOOLS, ...fields });
    expect(warnings).toBeUndefined();
    expect(provider.prompts[0]).toMatchObject({ kind: 'chat', variables });
    const limit = maxTokens === undefined ? undefined : { maxTokens, closing: [5, 6, 7] };
    expect(provider.answers[0].request.thought?.limit).toEqual(limit);
    if (limit) expect(provider.prompts[1]).toEqual({ kind: 'text', text: '\n</think>\n\n', addSpecialTokens: false });
  });

  it('of a model that has none cannot be limited, and the answer says so', async () => {
    await start('plain');
    const { warnings } = await complete(['a'], { ...NO_TOOLS, thinking_token_budget: 5, reasoning_effort: 'low' });
    expect(warnings).toEqual([
      'thinking_token_budget had no effect: thoughts of this model are not known',
      'reasoning_effort had no effect: thoughts of this model are not known',
    ]);
  });
});
