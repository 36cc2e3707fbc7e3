import { readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { QUANTIZATION_RECIPES } from '../../../src/engine/graph/quantization.js';
import { fingerprintOf } from '../../../src/engine/model/fingerprint.js';
import { openCheckpoint } from '../../../src/engine/weights/checkpoint.js';
import { editJson, fixture, TemporaryFolders } from '../../support/folders.js';
import { readTensors, writeTensors } from '../../support/safetensors.js';

const folders = new TemporaryFolders();
afterAll(() => folders.remove());

const fingerprint = (folder: string): string => fingerprintOf(folder, openCheckpoint(folder), undefined);
const ORIGINAL = fingerprint(fixture('llama'));

describe('the fingerprint of a model', () => {
  it('is the same in another folder, with files of other times and tensors in another order', () => {
    const copy = folders.copyOf(fixture('llama'));
    const weights = join(copy, 'model.safetensors');
    writeTensors(weights, [...readTensors(copy)].reverse());
    utimesSync(weights, 1, 1);
    expect(ORIGINAL).toMatch(/^[0-9a-f]{64}$/);
    expect(fingerprint(copy)).toBe(ORIGINAL);
  });

  it('changes with the weights, of the same names and sizes', () => {
    const copy = folders.copyOf(fixture('llama'));
    const tensors = readTensors(copy);
    const [name, tensor] = [...tensors][1];
    const data = Buffer.from(tensor.data.map((byte) => byte ^ 1));
    writeTensors(join(copy, 'model.safetensors'), tensors.set(name, { ...tensor, data }));
    expect(fingerprint(copy)).not.toBe(ORIGINAL);
  });

  it.each(['chat_template.jinja', 'tokenizer.json'])('changes with %s', (name) => {
    const copy = folders.copyOf(fixture('llama'));
    writeFileSync(join(copy, name), `${readFileSync(join(copy, name), 'utf8')} `);
    expect(fingerprint(copy)).not.toBe(ORIGINAL);
  });

  it('changes with the defaults of sampling', () => {
    const copy = folders.copyOf(fixture('llama'));
    editJson(join(copy, 'generation_config.json'), { temperature: 0.5 });
    expect(fingerprint(copy)).not.toBe(ORIGINAL);
  });

  it('changes with the quantization', () => {
    const checkpoint = openCheckpoint(fixture('llama'));
    const all = [undefined, QUANTIZATION_RECIPES.int8, QUANTIZATION_RECIPES.int4];
    expect(new Set(all.map((recipe) => fingerprintOf(fixture('llama'), checkpoint, recipe))).size).toBe(3);
  });
});
