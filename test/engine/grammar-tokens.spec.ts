import { join } from 'node:path';
import type { Engine, Grammar, StructuralTagFormat, TokenFormat } from '../../src/engine/index.js';
import { answer, loadEngine } from '../support/engine.js';
import { editJson, fixture, TemporaryFolders } from '../support/folders.js';
import { addTokens } from '../support/special-tokens.js';

/** Of both. */
const EOS = 2;
const SEEDS = [1, 2, 3, 4, 5, 6];
const token = (name: string): TokenFormat => ({ type: 'token', token: name });
const tags = (format: StructuralTagFormat): Grammar => ({ kind: 'structural_tag', format });
const LIST: StructuralTagFormat = { type: 'regex', pattern: '\\[[0-9]{1,3}\\]' };
const CALL = { type: 'tag', begin: token('[TOOL_CALLS]'), content: LIST, end: token('[/TOOL_CALLS]') } as const;

describe.each(['mistral', 'smollm3'] as const)('with the tokenizer of %s, a grammar', (name) => {
  const folders = new TemporaryFolders();
  let engine: Engine;
  let call: number;
  let end: number;
  let plain: number;
  beforeAll(async () => {
    const folder = folders.copyOf(fixture(name));
    // What differs between the two is not in use here.
    if (name === 'mistral') editJson(join(folder, 'config.json'), { architectures: ['LlamaForCausalLM'] });
    [call, end] = addTokens(folder, ['[TOOL_CALLS]', '[/TOOL_CALLS]']);
    [plain] = addTokens(folder, ['<mark>'], false);
    engine = await loadEngine(folder);
  });
  afterAll(async () => {
    await engine.dispose();
    folders.remove();
  });

  const write = (grammar: Grammar, seed: number, more: object = {}) =>
    answer(engine, {
      prompt: { kind: 'text', text: 'Hello' },
      maxNewTokens: 200,
      seed,
      sampling: { temperature: 1.5, topK: 0 },
      keptSpecialTokens: ['[TOOL_CALLS]', '[/TOOL_CALLS]'],
      grammar,
      ...more,
    });

  it('asks for a special token, which its text is not', async () => {
    for (const seed of SEEDS) {
      const { ids, text, reason } = await write(tags(CALL), seed);
      expect([ids[0], ids.at(-1), reason]).toEqual([call, end, 'eos']);
      expect(text).toMatch(/^\[TOOL_CALLS\] ?\[\d{1,3}\]\[\/TOOL_CALLS\]$/);
      expect(ids.filter((id) => id === call || id === end)).toHaveLength(2);
    }
  });

  it('asks for an ordinary token that was added by its id as well', async () => {
    for (const seed of SEEDS) {
      const { ids } = await write(tags({ type: 'sequence', elements: [token('<mark>'), LIST] }), seed);
      expect(ids[0]).toBe(plain);
    }
  });

  it('has the text of a token that the model does not have', async () => {
    const { text } = await write(tags({ type: 'tag', begin: token('<none>'), content: LIST, end: '' }), 1);
    expect(text).toMatch(/^<none>\[\d+\]$/);
  });

  it('has free text up to a special token, and begins a part with one', async () => {
    const thought: StructuralTagFormat = {
      type: 'tag',
      begin: token('[TOOL_CALLS]'),
      content: { type: 'any_text' },
      end: token('[/TOOL_CALLS]'),
    };
    const wanted = { sampling: { temperature: 1, topK: 0, logitBias: new Map([[end, 4]]) } };
    const { ids } = await write(tags({ type: 'sequence', elements: [thought, LIST] }), 1, wanted);
    expect(ids[0]).toBe(call);
    expect(ids.indexOf(end)).toBeGreaterThan(0);
    const among = { type: 'triggered_tags', triggers: [token('[TOOL_CALLS]')], tags: [CALL] } as const;
    const calling = { sampling: { temperature: 1, topK: 0, logitBias: new Map([[call, 8]]) }, maxNewTokens: 60 };
    let calls = 0;
    for (const seed of SEEDS) {
      const { ids: written, text } = await write(tags(among), seed, calling);
      calls += written.filter((id) => id === call).length;
      // What follows the token is a list, each time, but for one that the end has cut.
      for (const [, after] of text.matchAll(/\[TOOL_CALLS\]([^]*?)(?=\[TOOL_CALLS\]|$)/g)) {
        expect(after).toMatch(/^ ?(\[\d{1,3}\]\[\/TOOL_CALLS\][^]*|\[?\d{0,3}\]?)$/);
      }
    }
    expect(calls).toBeGreaterThan(5);
  });

  it('in GBNF names tokens by their text or their id', async () => {
    const byId: Grammar = { kind: 'ebnf', text: `root ::= <[${call}]> [0-9] (<mark> "x"){2}` };
    const { ids, text } = await write(byId, 1);
    expect([ids[0], ids.filter((id) => id === plain).length]).toEqual([call, 2]);
    expect(text).toMatch(/^\[TOOL_CALLS\] ?\d<mark>x<mark>x$/);
    for (const wrong of ['<nobody>', '<[99999]>', '<open']) {
      const refused = write({ kind: 'ebnf', text: `root ::= ${wrong}` }, 1);
      await expect(refused).rejects.toMatchObject({ code: 'grammar_invalid' });
    }
  });

  it('may ask for the end of the answer', async () => {
    const { ids, reason } = await write({ kind: 'ebnf', text: `root ::= "a" <[${EOS}]>` }, 1);
    expect([ids.at(-1), reason]).toEqual([EOS, 'eos']);
  });

  it('without the name of a special token never has it', async () => {
    for (const seed of SEEDS) {
      const { ids } = await write({ kind: 'regex', pattern: '[^]{40,80}' }, seed, {
        sampling: { temperature: 1, logitBias: new Map([[call, 100]]) },
      });
      expect(ids).not.toContain(call);
    }
  });
});
