/** Answers that begin with a thought whose markers are special tokens: a grammar holds what comes after it, and only that. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { editJson, fixture, TemporaryFolders } from '../support/folders.js';
import { ServerProcess } from '../support/server.js';
import { addTokens } from '../support/special-tokens.js';

const CHAT = '/v1/chat/completions';
const MARKERS = ['<think>', '</think>', '<tool_call>', '</tool_call>'];
const PARAMETERS = {
  type: 'object',
  properties: { city: { enum: ['Oslo', 'Rome'] }, days: { type: 'integer', minimum: 1, maximum: 7 } },
  required: ['city', 'days'],
  additionalProperties: false,
};
const WEATHER = /^\{"city": ?"(Oslo|Rome)", ?"days": ?[1-7]\}$/;
const TOOL = { type: 'function', function: { name: 'get_weather', parameters: PARAMETERS } };
const SCHEMA = { type: 'json_schema', json_schema: { name: 'weather', strict: true, schema: PARAMETERS } };
const BUDGET = 12;

interface Message {
  readonly content: string | null;
  readonly reasoning_content?: string | null;
  readonly tool_calls?: { readonly function: { readonly name: string; readonly arguments: string } }[];
}

interface Choice {
  readonly message: Message;
  readonly finish_reason: string;
  readonly token_ids: number[];
}

/** Templates that open the thought for the model, and that leave it to the model. */
describe.each([
  ['by the template', '<think>\n'],
  ['by the model', ''],
])('a thought that is begun %s', (_name, opening) => {
  const folders = new TemporaryFolders();
  let server: ServerProcess;
  let think: number;
  let endThink: number;
  let toolCall: number;
  beforeAll(async () => {
    const folder = folders.copyOf(fixture('mistral'));
    editJson(join(folder, 'config.json'), { architectures: ['LlamaForCausalLM'] });
    [think, endThink, toolCall] = addTokens(folder, MARKERS);
    writeFileSync(
      join(folder, 'chat_template.jinja'),
      `{% if tools %}{{ tools | tojson }} Call them as <tool_call>{}</tool_call>{% endif %}{% for m in messages %}[INST] {{ m.content.split('</think>')[-1] }} [/INST]{% endfor %}{% if add_generation_prompt %}${opening}{% endif %}`,
    );
    server = await ServerProcess.ready({ MODEL_PATH: folder });
  });
  afterAll(async () => {
    await server.stop();
    folders.remove();
  });

  const messages = [{ role: 'user', content: 'How is the weather?' }];
  async function ask(body: object): Promise<Choice> {
    const bias = opening ? undefined : { [think]: 100 };
    const response = await server.post(CHAT, {
      messages,
      max_tokens: 200,
      temperature: 1,
      thinking_token_budget: BUDGET,
      return_token_ids: true,
      logit_bias: bias,
      ...body,
    });
    expect(response.status).toBe(200);
    return ((await response.json()) as { choices: Choice[] }).choices[0];
  }

  /** The tokens after the thought, which has its markers, each once. */
  function afterThought({ message, token_ids: ids }: Choice): number[] {
    const end = ids.indexOf(endThink);
    expect(end).toBeGreaterThan(0);
    expect(ids.lastIndexOf(endThink)).toBe(end);
    expect(message.reasoning_content).not.toMatch(/<\/?think>/);
    expect(message.reasoning_content?.length).toBeGreaterThan(0);
    return ids.slice(end + 1);
  }

  it.each([1, 2, 3])('is followed by the call that is required, with seed %i', async (seed) => {
    const choice = await ask({ tools: [TOOL], tool_choice: 'required', parallel_tool_calls: false, seed });
    expect([choice.finish_reason, choice.message.content]).toEqual(['tool_calls', null]);
    expect(choice.message.tool_calls).toMatchObject([{ function: { name: 'get_weather' } }]);
    expect(choice.message.tool_calls?.[0].function.arguments).toMatch(WEATHER);
    expect(afterThought(choice).filter((id) => id === toolCall)).toHaveLength(1);
  });

  it.each([1, 2, 3])('is followed by what the schema asks for, with seed %i', async (seed) => {
    const choice = await ask({ response_format: SCHEMA, enable_thinking: true, logit_bias: undefined, seed });
    expect(choice.finish_reason).toBe('stop');
    expect(choice.message.content).toMatch(WEATHER);
    expect(afterThought(choice).length).toBeGreaterThan(0);
  });

  it('is followed by both in a stream as well', async () => {
    for (const [body, pattern] of [
      [{ tools: [TOOL], tool_choice: 'required', parallel_tool_calls: false }, WEATHER],
      [{ response_format: SCHEMA, enable_thinking: true, logit_bias: undefined }, WEATHER],
    ] as const) {
      const response = await server.post(CHAT, {
        messages,
        max_tokens: 200,
        temperature: 1,
        seed: 4,
        thinking_token_budget: BUDGET,
        stream: true,
        ...(opening ? {} : { logit_bias: { [think]: 100 } }),
        ...body,
      });
      const events = (await response.text()).split('\n\n').filter((event) => event.startsWith('data: {'));
      const deltas = events.flatMap((event) => {
        const { choices } = JSON.parse(event.slice('data: '.length)) as { choices: { delta: Message }[] };
        return choices.map(({ delta }) => delta);
      });
      const join = (part: (delta: Message) => string | null | undefined): string =>
        deltas.map((delta) => part(delta) ?? '').join('');
      const thought = join((delta) => delta.reasoning_content);
      expect(thought.length).toBeGreaterThan(0);
      expect(thought).not.toMatch(/<\/?think>/);
      expect(join((delta) => delta.tool_calls?.[0]?.function.arguments) || join((delta) => delta.content)).toMatch(
        pattern,
      );
    }
  });
});
