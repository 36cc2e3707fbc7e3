import { demoCases } from '../support/golden.js';
import { ServerProcess } from '../support/server.js';

interface Explanation {
  readonly system_fingerprint: string;
  readonly prompts: readonly {
    readonly text: string;
    readonly tokens: readonly { readonly id: number; readonly text: string }[];
    readonly truncated: number;
    readonly room: number;
    readonly max_new_tokens: object;
    readonly refusal: string | null;
  }[];
  readonly sampling: Readonly<Record<string, { readonly value: unknown; readonly source: string }>>;
  readonly stop: object;
  readonly warnings: readonly string[];
}

const CHAT = '/v1/chat/completions';
const [{ messages, prompt_text: text, input_ids: ids }] = demoCases();

let server: ServerProcess;
beforeAll(async () => (server = await ServerProcess.ready()));
afterAll(() => server.stop());

async function explain(route: string, request: object): Promise<Explanation> {
  const response = await server.post('/v1/explain', { route, request });
  expect(response.status).toBe(200);
  return (await response.json()) as Explanation;
}

describe('an explanation', () => {
  it('has the prompt as the model would read it', async () => {
    const { prompts } = await explain(CHAT, { messages });
    expect(prompts).toHaveLength(1);
    expect(prompts[0].text).toBe(text);
    expect(prompts[0].tokens.map(({ id }) => id)).toEqual(ids);
    expect(prompts[0].tokens.map((token) => token.text).join('')).toBe(text);
  });

  it('says what every parameter is and who decided it, and what would end the answer', async () => {
    const request = { messages, top_p: 0.5, seed: 7, stop: 'x', user: 'me' };
    const { sampling, stop, warnings, prompts } = await explain(CHAT, request);
    expect(sampling).toMatchObject({
      top_p: { value: 0.5, source: 'request' },
      temperature: { value: 1, source: 'default' },
      seed: { value: 7, source: 'request' },
    });
    expect(stop).toEqual({ strings: ['x'], token_ids: [], end_of_sequence_ids: [2], min_tokens: 0 });
    expect(warnings).toEqual(['user is not known here and was ignored']);
    expect(prompts[0].max_new_tokens).toEqual({ value: prompts[0].room, source: 'default' });
  });

  it('is of the route: what it adds to a prompt, and how long its answers are', async () => {
    const [{ text: generated }] = (await explain('/generate', { prompt: messages[0].content })).prompts;
    expect(generated).toBe(text);
    const { prompts } = await explain('/v1/completions', { prompt: ['a', 'b'] });
    expect(prompts.map((prompt) => prompt.text)).toEqual(['a', 'b']);
    expect(prompts[0].max_new_tokens).toEqual({ value: 16, source: 'default' });
    const answer = await explain('/v1/messages', { messages, max_tokens: 5000 });
    expect(answer.prompts[0].text).toBe(`${text}<think>\n\n</think>\n\n`);
    expect(answer.prompts[0].max_new_tokens).toEqual({ value: answer.prompts[0].room, source: 'request' });
    expect(answer.warnings).toHaveLength(1);
    expect((await explain('/v1/responses', { input: messages[0].content })).prompts[0].text).toBe(text);
  });

  it("says what is cut off a prompt where that is asked for, on all of text-generation-inference's routes", async () => {
    const inputs = 'one two three four five six seven';
    const [whole] = (await explain('/', { inputs })).prompts;
    expect(whole).toMatchObject({ text: inputs, truncated: 0, max_new_tokens: { value: 100, source: 'default' } });
    for (const route of ['/', '/generate', '/generate_stream']) {
      const request = { inputs, parameters: { truncate: 3, max_new_tokens: 4, foo: 1 } };
      const { prompts, warnings } = await explain(route, request);
      expect(prompts[0].tokens).toEqual(whole.tokens.slice(-3));
      expect(prompts[0].truncated).toBe(whole.tokens.length - 3);
      expect(prompts[0].max_new_tokens).toEqual({ value: 4, source: 'request' });
      expect(warnings).toEqual(['parameters.foo is not known here and was ignored']);
    }
    const wrong = await server.post('/v1/explain', { route: '/', request: { inputs, parameters: { top_p: 7 } } });
    expect(await wrong.json()).toMatchObject({ error: { param: 'request.parameters.top_p' } });
  });

  it('says that nothing would be generated, where the route would not', async () => {
    const { prompts } = await explain(CHAT, { messages, max_tokens: 5000 });
    expect(prompts[0].refusal).toContain('the answer may have 5000');
    const refused = await server.post(CHAT, { messages, max_tokens: 5000 });
    expect(await refused.json()).toMatchObject({ error: { message: prompts[0].refusal } });
  });

  it.each([
    [CHAT, { messages, temperature: 9 }, 'request.temperature'],
    ['/v1/nowhere', {}, 'route'],
  ])('of what is wrong is an error with its place: %s', async (route, request, param) => {
    const response = await server.post('/v1/explain', { route, request });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { param } });
  });
});

describe('a seed', () => {
  it('gives the same tokens, whatever else is running', async () => {
    const body = { prompt: 'Hi', temperature: 2, top_k: 0, max_tokens: 40, return_token_ids: true };
    const ask = async (seed: number): Promise<unknown> => {
      const response = await server.post('/v1/completions', { ...body, seed });
      const { choices, system_fingerprint } = (await response.json()) as {
        choices: object[];
        system_fingerprint: string;
      };
      return { choices, system_fingerprint };
    };
    const alone = [await ask(1), await ask(2)];
    const crowd = Array.from({ length: 12 }, (_, i) => ask(i % 2 === 0 ? 1 : i + 1));
    const crowded = await Promise.all(crowd);
    expect(crowded[0]).toEqual(alone[0]);
    expect(crowded[1]).toEqual(alone[1]);
    expect(crowded.filter((_, i) => i % 2 === 0).every((one) => JSON.stringify(one) === JSON.stringify(alone[0]))).toBe(
      true,
    );
  });
});
