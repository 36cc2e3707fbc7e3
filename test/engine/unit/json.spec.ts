import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readJsonObject, readOptionalJsonObject, readOptionalText } from '../../../src/engine/model/json.js';
import { TemporaryFolders } from '../../support/folders.js';
import { engineErrorOf } from './support/engine-error.js';

const folders = new TemporaryFolders();
afterAll(() => folders.remove());

function fileOf(content: string): string {
  const path = join(folders.create(), 'config.json');
  writeFileSync(path, content);
  return path;
}

const missing = (): string => join(folders.create(), 'config.json');

describe('a JSON file of the model folder', () => {
  it('is read as the object that it holds', () => {
    expect(readJsonObject(fileOf('{"a": [1, null]}'))).toEqual({ a: [1, null] });
  });

  it.each(['', '{', '{"a": NaN}', "{'a': 1}"])('is refused by its name when it is %j, which is not JSON', (content) => {
    const { code, message } = engineErrorOf(() => readJsonObject(fileOf(content)));
    expect(code).toBe('model_invalid');
    expect(message).toMatch(/^config\.json: is not valid JSON/);
  });

  it.each(['[]', 'null', '3', '"text"'])('is refused by its name when it holds %s, which is no object', (content) => {
    const { code, message } = engineErrorOf(() => readJsonObject(fileOf(content)));
    expect(code).toBe('model_invalid');
    expect(message).toMatch(/^config\.json: is not a JSON object/);
  });

  it('is refused by its name when it is missing', () => {
    const { code, message } = engineErrorOf(() => readJsonObject(missing()));
    expect(code).toBe('model_invalid');
    expect(message).toMatch(/^config\.json: not found/);
  });

  it('may be missing when it is optional', () => {
    expect(readOptionalJsonObject(missing())).toBeUndefined();
    expect(readOptionalText(missing())).toBeUndefined();
  });

  it('is refused by its name when it is a folder', () => {
    const path = missing();
    mkdirSync(path);
    const { code, message } = engineErrorOf(() => readOptionalJsonObject(path));
    expect(code).toBe('model_invalid');
    expect(message).toMatch(/^config\.json: is not a file$/);
  });
});
