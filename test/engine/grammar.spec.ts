import { Ajv2020 } from 'ajv/dist/2020.js';
import { GrammarCompiler } from '../../src/engine/grammar/grammar-compiler.js';
import { LazyAutomaton } from '../../src/engine/grammar/lazy-automaton.js';
import type { State } from '../../src/engine/grammar/state.js';
import type { Engine, GenerationRequest, Grammar } from '../../src/engine/index.js';
import { Tokenizer } from '../../src/engine/tokens/tokenizer.js';
import { answer, loadEngine } from '../support/engine.js';
import { DEMO_MODEL, fixture } from '../support/folders.js';
import { Seeded } from './unit/support/seeded.js';

const PERSON = {
  type: 'object',
  properties: {
    name: { type: 'string', maxLength: 12 },
    age: { type: 'integer', minimum: 0, maximum: 120 },
    tags: { type: 'array', items: { enum: ['red', 'größe', 'quo"te'] }, maxItems: 3 },
    parent: { anyOf: [{ $ref: '#/$defs/name' }, { type: 'null' }] },
  },
  required: ['name', 'age', 'parent'],
  additionalProperties: false,
  $defs: { name: { type: 'string', pattern: '^[A-Z][a-zé]{1,8}$' } },
};
const validate = new Ajv2020({ strict: false }).compile(PERSON);

const TEXTS: readonly [Grammar, RegExp][] = [
  [{ kind: 'regex', pattern: '[0-9]{3}-[a-f]{2,4}' }, /^[0-9]{3}-[a-f]{2,4}$/],
  [{ kind: 'choice', choices: ['yes', 'no', '日本'] }, /^(yes|no|日本)$/],
  [{ kind: 'ebnf', text: 'root ::= "<" [a-c]{1,3} ">" ("!" | "?")' }, /^<[a-c]{1,3}>[!?]$/],
];

const SAMPLINGS: readonly Partial<GenerationRequest>[] = [
  { sampling: { temperature: 0 } },
  ...[1, 2, 3].map((seed) => ({ seed, sampling: { temperature: 1.5, topK: 0 } })),
  { seed: 4, sampling: { temperature: 1, topP: 0.5, repetitionPenalty: 1.5, presencePenalty: 1 } },
];

const PROMPT = { kind: 'text', text: 'Hello' } as const;

describe.each([
  ['the demo model', DEMO_MODEL],
  ['random weights (llama)', fixture('llama')],
  ['random weights (smollm3)', fixture('smollm3')],
])('answers of %s', (_name, folder) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await loadEngine(folder, { speculativeTokens: 4 });
  });
  afterAll(() => engine.dispose());

  const tell = (grammar: Grammar, request: Partial<GenerationRequest> = {}) =>
    answer(engine, { prompt: PROMPT, maxNewTokens: 120, ...request, grammar });

  it.each(SAMPLINGS)('validate against a schema, with %j', async (sampling) => {
    const { text, reason } = await tell({ kind: 'json_schema', schema: PERSON }, sampling);
    expect(reason).toBe('eos');
    const value: unknown = JSON.parse(text);
    expect({ text, valid: validate(value) }).toEqual({ text, valid: true });
  });

  it.each(TEXTS)('are what %j holds for', async (grammar, expected) => {
    for (const sampling of SAMPLINGS) expect((await tell(grammar, sampling)).text).toMatch(expected);
  });

  it('do not change for neighbours with a grammar', async () => {
    const free = { prompt: PROMPT, maxNewTokens: 16, ignoreEos: true } as const;
    const alone = await answer(engine, free);
    const [beside] = await Promise.all([
      answer(engine, free),
      ...SAMPLINGS.map((sampling) => tell({ kind: 'json_schema', schema: PERSON }, sampling)),
    ]);
    expect(beside.ids).toEqual(alone.ids);
  });

  it('end with the grammar, whatever else the request says of the end', async () => {
    const grammar: Grammar = { kind: 'regex', pattern: '[0-9]{4}' };
    for (const ends of [{ ignoreEos: true }, { minTokens: 20 }, { stop: ['x'] }]) {
      expect(await tell(grammar, ends)).toMatchObject({
        text: expect.stringMatching(/^\d{4}$/) as string,
        reason: 'eos',
      });
    }
    expect(await tell({ kind: 'regex', pattern: 'a{50}' }, { maxNewTokens: 2 })).toMatchObject({ reason: 'length' });
    expect((await tell({ kind: 'regex', pattern: 'a{50}' }, { stop: ['aaa'] })).text).toBe('');
  });

  it.each<[string, Grammar]>([
    [
      'nested 3,000 deep',
      { kind: 'json_schema', schema: JSON.parse('{"items":'.repeat(3e3) + '{}' + '}'.repeat(3e3)) as object as never },
    ],
    ['far too ambiguous', { kind: 'regex', pattern: '(.{0,100}){0,100}y' }],
    ['far too large', { kind: 'json_schema', schema: { type: 'string', minLength: 1e7 } }],
    ['of exponentially many ways', { kind: 'ebnf', text: 'root ::= "a" root "b" | "a" root "c" | "x"' }],
    ['without an end', { kind: 'json_schema', schema: { $ref: '#' } }],
    ['no grammar', { kind: 'regex', pattern: '(' }],
  ])('refuse a grammar that is %s, and the next is answered', async (_what, grammar) => {
    // It is seen to be too much, not given up because it takes too long.
    const message = expect.not.stringContaining('took longer') as string;
    await expect(tell(grammar)).rejects.toMatchObject({ code: 'grammar_invalid', message });
    expect((await tell({ kind: 'choice', choices: ['fine'] })).text).toBe('fine');
  });
});

it.each(['mistral', 'qwen3'] as const)(
  'the tokens of the %s fixture make the text that the grammar holds for',
  (name) => {
    const tokenizer = Tokenizer.load(fixture(name));
    const grammar: Grammar = { kind: 'json_schema', schema: PERSON };
    const { automaton, vocabulary } = new GrammarCompiler(tokenizer, 4_096).compile(grammar);
    const lazy = new LazyAutomaton(automaton, vocabulary);
    const random = new Seeded(5);
    for (let round = 0; round < 10; round++) {
      const detokenizer = tokenizer.detokenizer(true);
      let text = '';
      let state: State | undefined = lazy.start;
      for (; state && !lazy.isOver(state);) {
        const mask = lazy.maskOf(state);
        const id = random.pick(
          Array.from({ length: 4_096 }, (_, i) => i).filter((i) => (mask[i >> 5] >>> (i & 31)) & 1),
        );
        text += detokenizer.push(id);
        state = lazy.advance(state, tokenizer.bytesOf(id));
      }
      text += detokenizer.flush();
      const value: unknown = JSON.parse(text);
      expect({ text, valid: validate(value) }).toEqual({ text, valid: true });
    }
  },
);

describe('with the demo model', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await loadEngine(DEMO_MODEL);
  });
  afterAll(() => engine.dispose());

  const chat = (grammar: Grammar, request: Partial<GenerationRequest> = {}) =>
    answer(engine, {
      prompt: {
        kind: 'chat',
        messages: [{ role: 'user', content: 'What is the capital of France?' }],
        addGenerationPrompt: true,
      },
      maxNewTokens: 200,
      ...request,
      grammar,
    });

  it('a grammar begins after a thought', async () => {
    const { text } = await chat({ kind: 'choice', choices: ['Paris', 'Rome'] }, { grammarAfter: '</think>' });
    expect(text).toMatch(/^<think>[^]+Paris[^]+<\/think>(Paris|Rome)$/);
  });

  it('probabilities are those of the model without the grammar', async () => {
    const grammar: Grammar = { kind: 'regex', pattern: '[0-9]+x' };
    const { logprobs } = await chat(grammar, { logprobs: 2, maxNewTokens: 3 });
    const top = logprobs[0].top[0];
    expect(Buffer.from(top.bytes).toString()).toBe('<think>');
    expect(top.logprob).toBeGreaterThan(logprobs[0].logprob);
  });
});
