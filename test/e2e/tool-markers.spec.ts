import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { editJson, fixture, TemporaryFolders } from '../support/folders.js';
import { ServerProcess } from '../support/server.js';
import { addTokens } from '../support/special-tokens.js';

const CHAT = '/v1/chat/completions';
const TOOLS = [
  {
    name: 'get_weather',
    properties: { city: { enum: ['Oslo', 'Rome'] }, days: { type: 'integer', minimum: 1, maximum: 7 } },
  },
  { name: 'get_time', properties: { zone: { enum: ['CET', 'UTC'] } } },
].map(({ name, properties }) => ({
  type: 'function',
  function: {
    name,
    strict: true,
    parameters: { type: 'object', properties, required: Object.keys(properties), additionalProperties: false },
  },
}));
const CITY = /^\{"city": ?"(Oslo|Rome)", ?"days": ?[1-7]\}$/;
const ZONE = /^\{"zone": ?"(CET|UTC)"\}$/;

/** What templates say of calls, the tokens that the model has for it, and what a required call looks like. */
const MODELS = {
  'Mistral, in a list': {
    calls: '[TOOL_CALLS][{"name": "f", "arguments": {}}]',
    tokens: ['[TOOL_CALLS]'],
    written: /^\[TOOL_CALLS\] ?\[\{"name": "get_\w+", "arguments": \{.*\}\}\]$/,
  },
  'Mistral, by name': {
    calls: '[TOOL_CALLS]f[ARGS]{}',
    tokens: ['[TOOL_CALLS]', '[ARGS]'],
    written: /^(\[TOOL_CALLS\] ?get_\w+\[ARGS\] ?\{.*\})+$/,
  },
  'Mistral, by name and id': {
    calls: '[TOOL_CALLS]f[CALL_ID]123456789[ARGS]{}',
    tokens: ['[TOOL_CALLS]', '[CALL_ID]', '[ARGS]'],
    written: /^(\[TOOL_CALLS\] ?get_\w+\[CALL_ID\] ?\w{9}\[ARGS\] ?\{.*\})+$/,
  },
  'Hermes with special tokens': {
    calls: '<tool_call>{}</tool_call>',
    tokens: ['<tool_call>', '</tool_call>'],
    written: /^<tool_call> ?\s*\{"name": "get_\w+", "arguments": \{.*\}\}\s*<\/tool_call>$/,
  },
  LFM2: {
    calls: '<|tool_call_start|>[f()]<|tool_call_end|>',
    tokens: ['<|tool_call_start|>', '<|tool_call_end|>'],
    written: /^<\|tool_call_start\|> ?\[get_\w+\(.*\)\]<\|tool_call_end\|>$/,
  },
};

interface Choice {
  readonly message: { content: string | null; tool_calls?: { function: { name: string; arguments: string } }[] };
  readonly finish_reason: string;
  readonly token_ids: number[];
}

describe.each(Object.entries(MODELS))('markers that are special tokens: %s', (_name, { calls, tokens, written }) => {
  const folders = new TemporaryFolders();
  let server: ServerProcess;
  let ids: number[];
  beforeAll(async () => {
    const folder = folders.copyOf(fixture('mistral'));
    editJson(join(folder, 'config.json'), { architectures: ['LlamaForCausalLM'] });
    ids = addTokens(folder, tokens);
    writeFileSync(
      join(folder, 'chat_template.jinja'),
      `{% if tools %}{{ tools | tojson }} Call them as ${calls}{% endif %}{% for m in messages %}[INST] {{ m.content }} [/INST]{% endfor %}`,
    );
    server = await ServerProcess.ready({ MODEL_PATH: folder });
  });
  afterAll(async () => {
    await server.stop();
    folders.remove();
  });

  const messages = [{ role: 'user', content: 'How is the weather?' }];
  async function ask(body: object): Promise<Choice> {
    const request = { messages, tools: TOOLS, max_tokens: 200, temperature: 1, return_token_ids: true, ...body };
    const response = await server.post(CHAT, request);
    expect(response.status).toBe(200);
    return ((await response.json()) as { choices: Choice[] }).choices[0];
  }

  async function textOf(tokens: readonly number[]): Promise<string> {
    const response = await server.post('/detokenize', { tokens });
    return ((await response.json()) as { prompt: string }).prompt;
  }

  it.each([1, 2, 3, 4])('a call that is required has them, with seed %i', async (seed) => {
    const { message, finish_reason, token_ids } = await ask({
      tool_choice: 'required',
      parallel_tool_calls: false,
      seed,
    });
    expect([finish_reason, message.content]).toEqual(['tool_calls', null]);
    expect(message.tool_calls).toHaveLength(1);
    const [{ function: call }] = message.tool_calls as NonNullable<typeof message.tool_calls>;
    expect(call.arguments).toMatch(call.name === 'get_time' ? ZONE : CITY);
    for (const id of ids) expect(token_ids.filter((other) => other === id)).toHaveLength(1);
    expect(token_ids[0]).toBe(ids[0]);
    expect(await textOf(token_ids)).toMatch(written);
  });

  it('and so has a named one, and each of several', async () => {
    const named = await ask({ tool_choice: { type: 'function', function: { name: 'get_time' } }, seed: 1 });
    expect(named.message.tool_calls).toMatchObject([{ function: { name: 'get_time' } }]);
    const several = await ask({ tool_choice: 'required', seed: 3, logit_bias: { [ids[0]]: 5 } });
    for (const { function: call } of several.message.tool_calls ?? []) {
      if (several.finish_reason === 'tool_calls')
        expect(call.arguments).toMatch(call.name === 'get_time' ? ZONE : CITY);
    }
    expect(several.message.tool_calls?.length).toBeGreaterThan(0);
  });

  it('strict tools hold for a call that the model begins by itself', async () => {
    // Without the bias, weights without sense would hardly begin one.
    const { message, token_ids } = await ask({ seed: 1, logit_bias: { [ids[0]]: 100 }, parallel_tool_calls: false });
    expect(token_ids[0]).toBe(ids[0]);
    const [{ function: call }] = message.tool_calls as NonNullable<typeof message.tool_calls>;
    expect(call.arguments).toMatch(call.name === 'get_time' ? ZONE : CITY);
  });
});
