import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readSafetensorsHeader } from '../../../src/engine/weights/safetensors.js';
import { TemporaryFolders } from '../../support/folders.js';
import { engineErrorOf } from './support/engine-error.js';
import { safetensors } from './support/safetensors-file.js';

const folders = new TemporaryFolders();
afterAll(() => folders.remove());

const LABEL = 'model-00001-of-00002.safetensors';

function write(bytes: Uint8Array): string {
  const path = join(folders.create(), 'file');
  writeFileSync(path, bytes);
  return path;
}

/** The header's entries, by name. */
function read(header: unknown, dataBytes: number) {
  const entries = readSafetensorsHeader(write(safetensors(header, dataBytes)), LABEL);
  return new Map(entries.map((entry) => [entry.name, entry]));
}

function expectRefusal(path: string, reason: RegExp): void {
  const { code, message } = engineErrorOf(() => readSafetensorsHeader(path, LABEL));
  expect(code).toBe('model_invalid');
  expect(message.startsWith(`${LABEL}: `)).toBe(true);
  expect(message).not.toMatch(/[\r\n]/);
  expect(message).toMatch(reason);
}

function expectRefused(header: unknown, dataBytes: number, reason: RegExp): void {
  expectRefusal(write(safetensors(header, dataBytes)), reason);
}

/** A file of one tensor, `weight`, of four bytes, with some of its entry changed. */
function weight(changes: Record<string, unknown>): unknown {
  return { weight: { dtype: 'F32', shape: [1], data_offsets: [0, 4], ...changes } };
}

describe('a sound safetensors header', () => {
  it('gives each tensor its type, its shape and its place in the file', () => {
    const header = {
      matrix: { dtype: 'F32', shape: [2, 3], data_offsets: [0, 24] },
      vector: { dtype: 'BF16', shape: [3], data_offsets: [24, 30] },
    };
    const start = 8 + JSON.stringify(header).length;
    expect(readSafetensorsHeader(write(safetensors(header, 30)), LABEL)).toEqual([
      { name: 'matrix', dtype: 'F32', shape: [2, 3], offset: start, length: 24 },
      { name: 'vector', dtype: 'BF16', shape: [3], offset: start + 24, length: 6 },
    ]);
  });

  it('may hold tensors without elements, between others and at the end', () => {
    const header = {
      first: { dtype: 'F32', shape: [1], data_offsets: [0, 4] },
      between: { dtype: 'F16', shape: [4, 0], data_offsets: [4, 4] },
      last: { dtype: 'F32', shape: [1], data_offsets: [4, 8] },
      end: { dtype: 'F32', shape: [0], data_offsets: [8, 8] },
    };
    const lengths = [...read(header, 8).values()].map(({ name, length }) => [name, length]);
    expect(Object.fromEntries(lengths)).toEqual({ first: 4, between: 0, last: 4, end: 0 });
  });

  it('may hold a scalar, whose shape is empty', () => {
    expect(read(weight({ shape: [] }), 4).get('weight')).toMatchObject({ shape: [], length: 4 });
  });

  it('may hold metadata, which is no tensor', () => {
    const entries = read({ __metadata__: { format: 'pt' }, ...(weight({}) as object) }, 4);
    expect([...entries.keys()]).toEqual(['weight']);
  });

  it('may list its tensors in another order than their data', () => {
    const header = {
      second: { dtype: 'F32', shape: [1], data_offsets: [4, 8] },
      first: { dtype: 'F32', shape: [1], data_offsets: [0, 4] },
    };
    const entries = read(header, 8);
    expect(entries.get('second')?.offset).toBe((entries.get('first')?.offset ?? NaN) + 4);
  });

  it('may list a tensor without elements after one that begins at the same byte', () => {
    const header = { ...(weight({}) as object), empty: { dtype: 'F32', shape: [0], data_offsets: [0, 0] } };
    expect(read(header, 4).size).toBe(2);
  });

  it('may be padded with spaces', () => {
    expect(read(`${JSON.stringify(weight({}))}   `, 4).size).toBe(1);
  });

  it('may hold nothing at all', () => {
    expect(read({}, 0).size).toBe(0);
  });

  it.each([
    ['F64', 8],
    ['F32', 4],
    ['F16', 2],
    ['BF16', 2],
    ['F8_E4M3', 1],
    ['F8_E5M2', 1],
    ['I64', 8],
    ['I32', 4],
    ['I16', 2],
    ['I8', 1],
    ['U64', 8],
    ['U32', 4],
    ['U16', 2],
    ['U8', 1],
    ['BOOL', 1],
  ])('may name the type %s, of %i bytes each', (dtype, bytes) => {
    const length = 3 * bytes;
    expect(read(weight({ dtype, shape: [3], data_offsets: [0, length] }), length).get('weight')?.length).toBe(length);
  });

  it('may describe a file of more than 4 GiB, whose data is not read', () => {
    const elements = 1_500_000_000;
    const header = weight({ shape: [elements], data_offsets: [0, 4 * elements] });
    const path = write(safetensors(header, 0));
    const start = 8 + JSON.stringify(header).length;
    truncateSync(path, start + 4 * elements);
    expect(readSafetensorsHeader(path, LABEL)).toMatchObject([{ offset: start, length: 6_000_000_000 }]);
  });
});

describe('a safetensors file is refused, with its name, when', () => {
  it('it does not exist', () => {
    expectRefusal(join(folders.create(), 'none'), /ENOENT/);
  });

  it.each([0, 1, 7])('it is only %i bytes long', (length) => {
    expectRefusal(write(Buffer.alloc(length)), new RegExp(`${length} bytes`));
  });

  it('its header is longer than itself', () => {
    const bytes = safetensors({}, 0);
    bytes.writeBigUInt64LE(3n);
    expectRefusal(write(bytes), /claims 3 bytes.*only 10/);
  });

  it('its header is over the limit, though the file is long enough', () => {
    const bytes = safetensors({}, 0);
    bytes.writeBigUInt64LE(100_000_001n);
    const path = write(bytes);
    truncateSync(path, 100_000_100);
    expectRefusal(path, /over the limit/);
  });

  it('its header claims the longest length there is', () => {
    expectRefusal(write(Buffer.alloc(16, 0xff)), /claims 1844674407370955\d* bytes/);
  });

  it.each(['', 'nonsense', '{"weight": ', '{} trailing', '\u0000'])('its header %j is not JSON', (header) => {
    expectRefused(header, 0, /not JSON/);
  });

  it.each(['[]', 'null', '3', '"text"', 'true'])('its header %s is not an object', (header) => {
    expectRefused(header, 0, /not a JSON object/);
  });

  it.each([[null], [5], ['F32'], [[1]], [{}]])('a tensor is %j', (entry) => {
    expectRefused({ weight: entry }, 0, /tensor weight/);
  });

  it.each(['F33', 'f32', '', 'toString', '__proto__', 32, null, undefined, ['F32']])(
    'a tensor has the type %j, which is unknown',
    (dtype) => {
      expectRefused(weight({ dtype }), 4, /tensor weight has the unknown type/);
    },
  );

  it.each([[[-1]], [[1.5]], [['1']], [[null]], [[[1]]], [[2 ** 53]], ['1'], [1], [{ 0: 1, length: 1 }], [null]])(
    'a tensor has the shape %j',
    (shape) => {
      expectRefused(weight({ shape }), 4, /tensor weight has no valid shape/);
    },
  );

  it.each([
    [[]],
    [[4]],
    [[0, 4, 8]],
    [['0', '4']],
    [[null, 4]],
    [[-4, 0]],
    [[0.5, 4.5]],
    [[0, 2 ** 53]],
    [[2 ** 53, 2 ** 53]],
    ['0, 4'],
    [{ 0: 0, 1: 4, length: 2 }],
    [null],
    [undefined],
  ])('a tensor has the offsets %j', (offsets) => {
    expectRefused(weight({ data_offsets: offsets }), 4, /tensor weight has no valid data_offsets/);
  });

  it('a tensor ends before it begins', () => {
    expectRefused(weight({ data_offsets: [4, 0] }), 4, /tensor weight lies at/);
  });

  it.each([5, 2 ** 32, Number.MAX_SAFE_INTEGER])('a tensor ends at %i, beyond the file', (end) => {
    expectRefused(weight({ dtype: 'U8', shape: [end], data_offsets: [0, end] }), 4, /tensor weight .* cut off/);
  });

  it('its last byte is missing', () => {
    expectRefusal(write(safetensors(weight({}), 4).subarray(0, -1)), /tensor weight .* cut off/);
  });

  it.each([
    ['F32', [2], 'needs 8 bytes, not 4'],
    ['F16', [1], 'needs 2 bytes, not 4'],
    ['F32', [0], 'needs 0 bytes, not 4'],
    ['F32', [3, 5], 'needs 60 bytes, not 4'],
  ])('a tensor of type %s and shape %j has 4 bytes', (dtype, shape, reason) => {
    expectRefused(weight({ dtype, shape }), 4, new RegExp(reason));
  });

  it.each([
    ['is 0 when counted in 64 bits', [2 ** 31, 2 ** 31, 4]],
    ['exceeds exact numbers', [2 ** 52, 2 ** 52]],
    ['exceeds all numbers', new Array<number>(21).fill(2 ** 52)],
    ['exceeds all numbers, times nothing', [...new Array<number>(21).fill(2 ** 52), 0]],
  ])('the size of a tensor %s', (_, shape) => {
    expectRefused(weight({ shape, data_offsets: [0, 0] }), 0, /tensor weight .* needs/);
  });

  it.each([
    ['the same bytes', [0, 4], [0, 4]],
    ['some of the same bytes', [0, 4], [2, 6]],
    ['bytes within the other', [0, 8], [2, 6]],
  ])('two tensors claim %s', (_, first, second) => {
    const tensor = (offsets: number[]) => ({ dtype: 'U8', shape: [offsets[1] - offsets[0]], data_offsets: offsets });
    expectRefused({ first: tensor(first), second: tensor(second) }, Math.max(first[1], second[1]), /overlaps/);
  });

  it('a tensor without elements lies within another', () => {
    const header = { ...(weight({}) as object), empty: { dtype: 'F32', shape: [0], data_offsets: [2, 2] } };
    expectRefused(header, 4, /empty overlaps/);
  });

  it('bytes before the first tensor belong to none', () => {
    expectRefused(weight({ data_offsets: [3, 7] }), 7, /3 bytes before tensor weight/);
  });

  it('bytes between two tensors belong to none', () => {
    const next = { dtype: 'F32', shape: [1], data_offsets: [6, 10] };
    expectRefused({ ...(weight({}) as object), next }, 10, /2 bytes before tensor next/);
  });

  it('bytes at its end belong to no tensor', () => {
    expectRefused(weight({}), 9, /5 bytes at its end/);
  });

  it('it has data, but no tensors', () => {
    expectRefused({ __metadata__: {} }, 1, /1 bytes at its end/);
  });
});
