import { join } from 'node:path';
import type { Engine } from '../../src/engine/index.js';
import { loadEngine } from '../support/engine.js';
import { DEMO_MODEL, editJson, TemporaryFolders } from '../support/folders.js';
import { demoCases } from '../support/golden.js';

const folders = new TemporaryFolders();
let engine: Engine;
beforeAll(async () => {
  const folder = folders.copyOf(DEMO_MODEL);
  editJson(join(folder, 'generation_config.json'), { top_p: 0.9 });
  engine = await loadEngine(folder);
});
afterAll(async () => {
  await engine.dispose();
  folders.remove();
});

const [{ messages, prompt_text: text, input_ids: ids }] = demoCases();

describe('an explanation', () => {
  it('has the prompt as the model reads it', async () => {
    const { prompt } = await engine.explain({ prompt: { kind: 'chat', messages, addGenerationPrompt: true } });
    expect(prompt).toMatchObject({ text, ids });
    expect(prompt.pieces.join('')).toBe(text);
    expect((await engine.explain({ prompt: { kind: 'tokens', ids } })).prompt).toEqual(prompt);
  });

  it('marks halves of characters', async () => {
    const { prompt } = await engine.explain({ prompt: { kind: 'text', text: '🦜' } });
    expect(prompt.text).toBe('🦜');
    expect(prompt.pieces.length).toBeGreaterThan(1);
    expect(prompt.pieces.every((piece) => piece.includes('\ufffd'))).toBe(true);
  });

  it('says what every parameter is, and who decided', async () => {
    const { sampling, eosIds } = await engine.explain({ prompt: { kind: 'text', text: 'x' }, sampling: { topK: 5 } });
    expect(eosIds).toEqual([2]);
    expect(sampling).toMatchObject({
      doSample: { value: true, source: 'request' },
      topK: { value: 5, source: 'request' },
      topP: { value: 0.9, source: 'generation_config.json' },
      temperature: { value: 1, source: 'default' },
    });
    const greedy = await engine.explain({ prompt: { kind: 'text', text: 'x' } });
    expect(greedy.sampling.doSample).toEqual({ value: false, source: 'generation_config.json' });
  });

  it('says how long the answer may be, or why there would be none', async () => {
    const prompt = { kind: 'text', text: 'x'.repeat(20) } as const;
    const { room, maxNewTokens, refusal } = await engine.explain({ prompt });
    expect(refusal).toBeUndefined();
    expect(maxNewTokens).toBe(room);
    const refused = await engine.explain({ prompt, maxNewTokens: room + 1 });
    expect(refused).toMatchObject({ room, maxNewTokens: undefined, refusal: { code: 'prompt_too_long' } });
  });
});
