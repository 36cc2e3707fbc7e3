import type { Engine, Prompt, ThoughtOptions } from '../../src/engine/index.js';
import { answer, loadEngine } from '../support/engine.js';
import { DEMO_MODEL } from '../support/folders.js';
import { demoCases } from '../support/golden.js';

const MARKERS = { begin: '<think>', end: '</think>', open: false };

describe.each([0, 4])('a limited thought, with drafts of up to %i tokens', (speculativeTokens) => {
  let engine: Engine;
  let closing: readonly number[];
  const prompts: readonly Prompt[] = demoCases()
    .filter(({ tools, template }) => !tools && !template)
    .slice(0, 6)
    .map(({ input_ids: ids }) => ({ kind: 'tokens', ids }));

  beforeAll(async () => {
    engine = await loadEngine(DEMO_MODEL, { speculativeTokens });
    closing = await engine.encode({ kind: 'text', text: '\n</think>\n\n', addSpecialTokens: false });
  });
  afterAll(() => engine.dispose());

  const ask = (prompt: Prompt, thought: ThoughtOptions) => answer(engine, { prompt, thought });

  it('ends with the tokens that were asked for, and the answer is what the model says after them', async () => {
    const [prompt] = prompts as Extract<Prompt, { kind: 'tokens' }>[];
    const free = await ask(prompt, MARKERS);
    const limited = await ask(prompt, { ...MARKERS, limit: { maxTokens: 3, closing } });
    // Its beginning is one token.
    const begun = [...free.ids.slice(0, 4), ...closing];
    expect(limited.ids.slice(0, begun.length)).toEqual(begun);
    const end = free.ids.indexOf(1785);
    expect([free.thoughtTokens, limited.thoughtTokens]).toEqual([end - 1, 3]);
    const rest = await answer(engine, { prompt: { kind: 'tokens', ids: [...prompt.ids, ...begun] } });
    expect(limited.ids.slice(begun.length)).toEqual(rest.ids);
    expect(limited.text).toMatch(/^<think>\nI know\n<\/think>\n\nAn Inference Endpoint is/);
  });

  it('is the same with neighbours that have none', async () => {
    const thoughts: ThoughtOptions[] = prompts.map((_, i) =>
      i % 2 === 0 ? { ...MARKERS, limit: { maxTokens: i, closing } } : MARKERS,
    );
    const alone: unknown[] = [];
    for (const [i, prompt] of prompts.entries()) alone.push((await ask(prompt, thoughts[i])).ids);
    const together = await Promise.all(prompts.map((prompt, i) => ask(prompt, thoughts[i])));
    expect(together.map(({ ids }) => ids)).toEqual(alone);
  });
});
