import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type GenerationDefaults, readGenerationDefaults } from '../../../src/engine/model/generation-config.js';
import { DEFAULT_SAMPLING } from '../../../src/engine/sampling/sampling-parameters.js';
import { TemporaryFolders } from '../../support/folders.js';
import { engineErrorOf } from './support/engine-error.js';

const folders = new TemporaryFolders();
afterAll(() => folders.remove());

/** What a generation_config.json and a config.json say; no file for undefined. */
function read(generationConfig: unknown, config: Record<string, unknown> = {}): GenerationDefaults {
  const folder = folders.create();
  if (generationConfig !== undefined) {
    writeFileSync(join(folder, 'generation_config.json'), JSON.stringify(generationConfig));
  }
  return readGenerationDefaults(folder, config);
}

describe('generation_config.json', () => {
  it('sets how the model samples', () => {
    const json = {
      do_sample: true,
      temperature: 0.6,
      top_k: 20,
      top_p: 0.95,
      min_p: 0.05,
      typical_p: 0.9,
      repetition_penalty: 1.1,
    };
    expect(read(json).sampling).toEqual({
      ...DEFAULT_SAMPLING,
      doSample: true,
      temperature: 0.6,
      topK: 20,
      topP: 0.95,
      minP: 0.05,
      typicalP: 0.9,
      repetitionPenalty: 1.1,
    });
  });

  it('may set only some of it: the rest is as in transformers', () => {
    expect(read({ temperature: 0.6, top_p: null }).sampling).toEqual({ ...DEFAULT_SAMPLING, temperature: 0.6 });
  });

  it('may be missing: the model is then greedy, as in transformers', () => {
    expect(read(undefined)).toEqual({
      sampling: DEFAULT_SAMPLING,
      configured: [],
      eosIds: [],
      padId: undefined,
      ignored: [],
    });
  });

  it.each([
    ['do_sample', 1],
    ['do_sample', 'true'],
    ['temperature', '0.6'],
    ['temperature', -1],
    ['top_k', -1],
    ['top_k', 2.5],
    ['top_p', '1'],
    ['top_p', -0.5],
    ['min_p', 2],
    ['min_p', '0'],
    ['repetition_penalty', 0],
    ['repetition_penalty', [1]],
    ['eos_token_id', '2'],
    ['eos_token_id', [2, -1]],
    ['eos_token_id', { id: 2 }],
    ['pad_token_id', -2],
    ['pad_token_id', '0'],
  ])('is refused, naming the field, when %s is %j', (field, value) => {
    const { code, message } = engineErrorOf(() => read({ [field]: value }));
    expect(code).toBe('model_invalid');
    expect(message).toMatch(new RegExp(`^generation_config\\.json: ${field} is `));
  });

  it('is refused when it is not an object', () => {
    expect(engineErrorOf(() => read([])).message).toMatch(/^generation_config\.json: /);
  });
});

describe('the tokens that end an answer', () => {
  it.each([
    ['one', 2, [2]],
    ['a list', [128001, 128009], [128001, 128009]],
  ])('may be %s', (_, value, ids) => {
    expect(read({ eos_token_id: value }).eosIds).toEqual(ids);
  });

  it('are those of config.json when generation_config.json names none', () => {
    expect(read({ eos_token_id: null }, { eos_token_id: [4, 5] }).eosIds).toEqual([4, 5]);
    expect(read(undefined, { eos_token_id: 4 }).eosIds).toEqual([4]);
  });

  it('are those of generation_config.json when both name some', () => {
    expect(read({ eos_token_id: [7] }, { eos_token_id: 4 }).eosIds).toEqual([7]);
  });

  it('are none when nothing names any', () => {
    expect(read({}, { eos_token_id: null }).eosIds).toEqual([]);
  });

  it('are refused as a field of config.json when they are wrong there', () => {
    expect(engineErrorOf(() => read({}, { eos_token_id: '2' })).message).toMatch(/^config\.json: eos_token_id/);
  });
});

describe('the padding token', () => {
  it('is that of generation_config.json, else that of config.json', () => {
    expect(read({ pad_token_id: 0 }, { pad_token_id: 3 }).padId).toBe(0);
    expect(read({}, { pad_token_id: 3 }).padId).toBe(3);
    expect(read({}).padId).toBeUndefined();
  });
});

describe('settings that transformers would obey and this engine does not', () => {
  it.each([
    ['num_beams', 4],
    ['no_repeat_ngram_size', 3],
    ['penalty_alpha', 0.6],
    ['min_new_tokens', 5],
    ['bad_words_ids', [[1]]],
    ['suppress_tokens', [1]],
    ['forced_bos_token_id', 0],
    ['guidance_scale', 1.5],
  ])('are listed: %s %j', (name, value) => {
    expect(read({ [name]: value }).ignored).toEqual([name]);
  });

  it('are not listed at a value that does nothing', () => {
    const json = { num_beams: 1, no_repeat_ngram_size: 0, min_length: 0, guidance_scale: null };
    expect(read(json).ignored).toEqual([]);
  });

  it('do not include what has no effect on the output', () => {
    expect(read({ _from_model_config: true, transformers_version: '5.0.0', use_cache: true }).ignored).toEqual([]);
  });

  it('takes a temperature of 0 for greedy, as published files write it', () => {
    expect(read({ do_sample: true, temperature: 0 }).sampling).toMatchObject({ doSample: false, temperature: 1 });
  });

  it('has nothing to say of an empty list', () => {
    expect(read({ suppress_tokens: [] }).ignored).toEqual([]);
  });
});
