import { mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Checkpoint, openCheckpoint } from '../../../src/engine/weights/checkpoint.js';
import { TemporaryFolders } from '../../support/folders.js';
import { engineErrorOf } from './support/engine-error.js';
import { writeSafetensors } from './support/safetensors-file.js';

const folders = new TemporaryFolders();
afterAll(() => folders.remove());

const INDEX = 'model.safetensors.index.json';
const [FIRST, SECOND] = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'];

type Shapes = Readonly<Record<string, readonly number[]>>;

/** A model folder: files by name, given as shapes of tensors, as text, or as JSON when it is the index. */
function folderOf(files: Readonly<Record<string, Shapes | string>>, weightMap?: unknown): string {
  const folder = realpathSync(folders.create());
  for (const [name, content] of Object.entries(files)) {
    if (typeof content === 'string') writeFileSync(join(folder, name), content);
    else writeSafetensors(join(folder, name), content);
  }
  if (weightMap !== undefined) writeFileSync(join(folder, INDEX), JSON.stringify({ weight_map: weightMap }));
  return folder;
}

function locations({ tensors }: Checkpoint): Record<string, string> {
  return Object.fromEntries([...tensors].map(([name, { location }]) => [name, location]));
}

function expectRefused(folder: string, ...wanted: (string | RegExp)[]): void {
  const { code, message } = engineErrorOf(() => openCheckpoint(folder));
  expect(code).toBe('model_invalid');
  expect(message).not.toMatch(/[\r\n]/);
  for (const part of wanted) expect(message).toMatch(part);
}

describe('a checkpoint of one file', () => {
  it('holds its tensors, each located in that file', () => {
    const folder = folderOf({ 'model.safetensors': { a: [2, 3], b: [4] } });
    const checkpoint = openCheckpoint(folder);
    expect(checkpoint.root).toBe(folder);
    expect(locations(checkpoint)).toEqual({ a: 'model.safetensors', b: 'model.safetensors' });
    expect(checkpoint.tensors.get('a')).toMatchObject({ name: 'a', dtype: 'F32', shape: [2, 3], length: 24 });
  });

  it('counts the elements and the bytes of all its tensors', () => {
    const folder = folderOf({ 'model.safetensors': { a: [2, 3], b: [4], scalar: [], none: [0, 7] } });
    expect(openCheckpoint(folder)).toMatchObject({ parameters: 11, bytes: 44 });
  });

  it('is taken even if there is an index as well', () => {
    const folder = folderOf({ 'model.safetensors': { a: [1] }, [FIRST]: { b: [1] } }, { b: FIRST });
    expect(locations(openCheckpoint(folder))).toEqual({ a: 'model.safetensors' });
  });

  it('is refused with the name of the file when that is damaged', () => {
    expectRefused(folderOf({ 'model.safetensors': 'no' }), /^model\.safetensors: /);
  });
});

describe('a checkpoint of shards', () => {
  it('holds the tensors of all shards, each located in its own', () => {
    const folder = folderOf({ [FIRST]: { a: [2], b: [1] }, [SECOND]: { c: [3] } }, { c: SECOND, a: FIRST, b: FIRST });
    const checkpoint = openCheckpoint(folder);
    expect(checkpoint.root).toBe(folder);
    expect(locations(checkpoint)).toEqual({ a: FIRST, b: FIRST, c: SECOND });
    expect(checkpoint).toMatchObject({ parameters: 6, bytes: 24 });
  });

  it('ignores safetensors files that the index does not name', () => {
    const folder = folderOf({ [FIRST]: { a: [1] }, 'consolidated.safetensors': { z: [1] } }, { a: FIRST });
    expect(locations(openCheckpoint(folder))).toEqual({ a: FIRST });
  });

  it('is refused when a shard is missing', () => {
    expectRefused(folderOf({ [FIRST]: { a: [1] } }, { a: FIRST, b: SECOND }), SECOND, INDEX);
  });

  it('is refused when a shard is a folder', () => {
    const folder = folderOf({ [FIRST]: { a: [1] } }, { a: FIRST, b: SECOND });
    mkdirSync(join(folder, SECOND));
    expectRefused(folder, SECOND);
  });

  it('is refused with the name of the shard when one is damaged', () => {
    expectRefused(
      folderOf({ [FIRST]: { a: [1] }, [SECOND]: 'no' }, { a: FIRST, b: SECOND }),
      new RegExp(`^${SECOND}: `),
    );
  });

  it('is refused when a shard lacks a tensor that the index places there', () => {
    expectRefused(folderOf({ [FIRST]: { a: [1] } }, { a: FIRST, b: FIRST }), FIRST, 'tensor b');
  });

  it('is refused when a tensor lies in another shard than the index says', () => {
    const folder = folderOf({ [FIRST]: { a: [1], b: [1] }, [SECOND]: { c: [1] } }, { a: FIRST, b: SECOND, c: SECOND });
    expectRefused(folder, FIRST, 'tensor b', SECOND);
  });

  it('is refused when a shard holds a tensor that the index does not list', () => {
    expectRefused(folderOf({ [FIRST]: { a: [1], b: [1] } }, { a: FIRST }), FIRST, 'tensor b', 'does not list');
  });

  it('is refused when two shards hold the same tensor', () => {
    const folder = folderOf({ [FIRST]: { a: [1] }, [SECOND]: { a: [1], b: [1] } }, { a: FIRST, b: SECOND });
    expectRefused(folder, SECOND, 'tensor a', FIRST);
  });
});

describe('an index is refused when', () => {
  it('it is not JSON', () => {
    expectRefused(folderOf({ [INDEX]: '{"weight_map"' }), INDEX, 'JSON');
  });

  it('it is a list', () => {
    expectRefused(folderOf({ [INDEX]: '[]' }), INDEX, 'JSON object');
  });

  it.each(['{}', '{"weight_map": {}}', '{"weight_map": []}', '{"weight_map": null}', '{"weight_map": "x"}'])(
    'it is %s and has no weight_map',
    (index) => {
      expectRefused(folderOf({ [INDEX]: index }), INDEX, 'weight_map');
    },
  );

  it.each(['', '.', '..', '../other.safetensors', '/etc/passwd', 'sub/other.safetensors', './x', 'a\\b', 5, null])(
    'it names %j, which is no plain file name',
    (file) => {
      const folder = folderOf({}, { a: file });
      expectRefused(folder, INDEX);
    },
  );

  it.each(['../other/model.safetensors', 'sub/model.safetensors'])('it leads to %s, even if that exists', (file) => {
    const parent = folders.create();
    for (const name of ['model', 'model/sub', 'other']) mkdirSync(join(parent, name));
    for (const name of ['model/sub', 'other']) writeSafetensors(join(parent, name, 'model.safetensors'), { a: [1] });
    writeFileSync(join(parent, 'model', INDEX), JSON.stringify({ weight_map: { a: file } }));
    expectRefused(join(parent, 'model'), INDEX, file);
  });

  it('it names a file by its absolute path, even if that exists', () => {
    const elsewhere = join(folderOf({ 'model.safetensors': { a: [1] } }), 'model.safetensors');
    expectRefused(folderOf({}, { a: elsewhere }), INDEX, elsewhere);
  });
});

describe('a folder without weights that can be loaded', () => {
  it('is refused, naming the file that is missing', () => {
    expectRefused(folderOf({ 'config.json': '{}' }), /^model\.safetensors: not found/);
  });

  it.each(['pytorch_model.bin', 'pytorch_model-00001-of-00002.bin', 'model.pt', 'consolidated.00.pth', 'last.ckpt'])(
    'is refused, saying that %s is a pickle',
    (name) => {
      expectRefused(folderOf({ [name]: 'x' }), name, 'pickle', 'safetensors');
    },
  );

  it('is refused, asking for the index, when there are shards', () => {
    expectRefused(folderOf({ [FIRST]: { a: [1] }, 'pytorch_model.bin': 'x' }), INDEX, FIRST);
  });
});

describe('a Hugging Face cache, where a model folder holds links into blobs', () => {
  /** A snapshot whose files are links to blobs. */
  function snapshotOf(files: Readonly<Record<string, string>>, blobs: Readonly<Record<string, Shapes | string>>) {
    const repository = realpathSync(folders.create());
    const folder = join(repository, 'snapshots', 'abc');
    mkdirSync(folder, { recursive: true });
    mkdirSync(join(repository, 'blobs'));
    for (const [hash, content] of Object.entries(blobs)) {
      const path = join(repository, 'blobs', hash);
      if (typeof content === 'string') writeFileSync(path, content);
      else writeSafetensors(path, content);
    }
    for (const [name, hash] of Object.entries(files)) symlinkSync(`../../blobs/${hash}`, join(folder, name));
    return { folder, blobs: join(repository, 'blobs'), repository };
  }

  it('has the blobs as its root and the hash as the location', () => {
    const { folder, blobs } = snapshotOf({ 'model.safetensors': 'f00d' }, { f00d: { a: [1] } });
    const checkpoint = openCheckpoint(folder);
    expect(checkpoint.root).toBe(blobs);
    expect(locations(checkpoint)).toEqual({ a: 'f00d' });
  });

  it('may hold shards, and the index as a link too', () => {
    const { folder, blobs } = snapshotOf(
      { [INDEX]: '1d', [FIRST]: 'f00d', [SECOND]: 'beef' },
      { '1d': JSON.stringify({ weight_map: { a: FIRST, b: SECOND } }), f00d: { a: [1] }, beef: { b: [1] } },
    );
    const checkpoint = openCheckpoint(folder);
    expect(checkpoint.root).toBe(blobs);
    expect(locations(checkpoint)).toEqual({ a: 'f00d', b: 'beef' });
  });

  it('says the name in the model folder, not the hash, when a blob is damaged', () => {
    const { folder } = snapshotOf({ 'model.safetensors': 'f00d' }, { f00d: 'no' });
    expectRefused(folder, /^model\.safetensors: /);
  });

  it('may mix links and files: the root is the folder that holds them all', () => {
    const { folder, repository } = snapshotOf({ [FIRST]: 'f00d' }, { f00d: { a: [1] } });
    writeSafetensors(join(folder, SECOND), { b: [1] });
    writeFileSync(join(folder, INDEX), JSON.stringify({ weight_map: { a: FIRST, b: SECOND } }));
    const checkpoint = openCheckpoint(folder);
    expect(checkpoint.root).toBe(repository);
    expect(locations(checkpoint)).toEqual({ a: 'blobs/f00d', b: `snapshots/abc/${SECOND}` });
  });

  it('is refused when a link of a shard leads nowhere', () => {
    const { folder } = snapshotOf(
      { [INDEX]: '1d', [FIRST]: 'none' },
      { '1d': JSON.stringify({ weight_map: { a: FIRST } }) },
    );
    expectRefused(folder, FIRST);
  });
});
