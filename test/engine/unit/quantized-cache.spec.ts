import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type Checkpoint, openCheckpoint } from '../../../src/engine/weights/checkpoint.js';
import { cachePositions, QuantizedCache } from '../../../src/engine/weights/quantized-cache.js';
import { readSafetensorsHeader } from '../../../src/engine/weights/safetensors.js';
import type { QuantizedFormat, WeightPlan, WeightSource } from '../../../src/engine/weights/weight-plan.js';
import { TemporaryFolders } from '../../support/folders.js';
import { writeSafetensors } from './support/safetensors-file.js';

const folders = new TemporaryFolders();
afterAll(() => folders.remove());

const INT4: QuantizedFormat = { bits: 4, blockSize: 16 };
const SHAPES = { a: [8, 64], b: [4, 64], c: [64] };
const UNITS = 3;
const TIME = new Date('2026-01-02T03:04:05Z');

function checkpointOf(shapes: Readonly<Record<string, readonly number[]>> = SHAPES): Checkpoint {
  const folder = realpathSync(folders.create());
  const path = join(folder, 'model.safetensors');
  writeSafetensors(path, shapes);
  utimesSync(path, TIME, TIME);
  return openCheckpoint(folder);
}

function plansOf({ tensors }: Checkpoint, format = INT4): WeightPlan[] {
  const stacked = ['a', 'b'].map((name) => tensors.get(name) as WeightSource);
  return [{ name: 'ab', sources: stacked, shape: [12, 64], format }];
}

function cacheOf(folder: string, checkpoint: Checkpoint, plans = plansOf(checkpoint), units = UNITS): QuantizedCache {
  return new QuantizedCache(folder, checkpoint, plans, units);
}

/** Writes a whole cache: its data is all sevens, its checksums are 1, 2, 3. */
function fill(cache: QuantizedCache): void {
  const path = cache.create();
  appendFileSync(path, Buffer.alloc((12 * 64) / 2 + 12 * 4 * 4, 7));
  new Int32Array(cache.checksums).set([1, 2, 3]);
  cache.commit();
  cache.discard();
}

describe('a cache of quantized weights', () => {
  const checkpoint = checkpointOf();
  const weights = join(checkpoint.root, 'model.safetensors');
  let folder: string;
  beforeEach(() => (folder = join(folders.create(), 'made', 'when needed')));

  /** The one file in the folder. */
  function onlyFile(): string {
    const names = readdirSync(folder);
    expect(names).toEqual([expect.stringMatching(/^[0-9a-f]{32}\.safetensors$/)]);
    return join(folder, names[0]);
  }

  it('has nothing to read at first', () => {
    expect(cacheOf(folder, checkpoint).open()).toBeUndefined();
    expect(existsSync(folder)).toBe(false);
  });

  it('is found again, with its checksums, by the next start', () => {
    fill(cacheOf(folder, checkpoint));
    const next = cacheOf(folder, checkpoint);
    expect(next.open()).toBe(onlyFile());
    expect([...new Int32Array(next.checksums)]).toEqual([1, 2, 3]);
  });

  it('is a sound safetensors file, with the data where it says', () => {
    const cache = cacheOf(folder, checkpoint);
    fill(cache);
    const entries = readSafetensorsHeader(onlyFile(), 'cache');
    expect(entries.map(({ name, dtype, shape }) => [name, dtype, shape])).toEqual([
      ['ab', 'U8', [12, 4, 8]],
      ['ab.scales', 'F32', [48]],
      ['checksums', 'I32', [3]],
    ]);
    const positions = cachePositions(plansOf(checkpoint));
    expect(entries.slice(0, 2).map(({ offset }) => offset - cache.start)).toEqual([...positions.values()]);
  });

  it('is not looked for under its name before it is complete', () => {
    const cache = cacheOf(folder, checkpoint);
    const path = cache.create();
    expect(cacheOf(folder, checkpoint).open()).toBeUndefined();
    cache.discard();
    expect(existsSync(path)).toBe(false);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('leaves alone what another process writes at the same time', () => {
    const [one, two] = [cacheOf(folder, checkpoint), cacheOf(folder, checkpoint)];
    const paths = [one.create(), two.create()];
    one.discard();
    expect(paths.map((path) => existsSync(path))).toEqual([false, true]);
    fill(cacheOf(folder, checkpoint));
    two.commit();
    onlyFile();
  });

  describe('is not found when', () => {
    beforeEach(() => fill(cacheOf(folder, checkpoint)));
    afterEach(() => {
      writeSafetensors(weights, SHAPES);
      utimesSync(weights, TIME, TIME);
    });
    const expectMissed = (other = checkpoint, plans?: WeightPlan[], units?: number): void =>
      expect(cacheOf(folder, other, plans, units).open()).toBeUndefined();

    it('the weights were changed at another time', () => {
      utimesSync(weights, TIME, new Date(TIME.getTime() + 1));
      expectMissed();
    });

    it('the file of the weights has another size', () => {
      appendFileSync(weights, 'x');
      utimesSync(weights, TIME, TIME);
      expectMissed();
    });

    it('the weights are those of another model of the same size and time, as of a reproducible image', () => {
      const { offset, length } = checkpoint.tensors.get('b') as WeightSource;
      const bytes = readFileSync(weights);
      bytes[offset + length / 2] ^= 1;
      writeFileSync(weights, bytes);
      utimesSync(weights, TIME, TIME);
      expectMissed();
    });

    it('tensors of the same file have changed places', () => {
      const other = checkpointOf({ b: SHAPES.b, a: SHAPES.a, c: SHAPES.c });
      expectMissed(other);
    });

    it.each([
      { bits: 8, blockSize: 16 },
      { bits: 4, blockSize: 32 },
    ] as const)('the format is another: %j', (format) => {
      expectMissed(checkpoint, plansOf(checkpoint, format));
    });

    it('the work is cut into other units', () => {
      expectMissed(checkpoint, undefined, UNITS + 1);
    });

    it('the header is another', () => {
      const path = onlyFile();
      const bytes = readFileSync(path);
      bytes[20] ^= 1;
      writeFileSync(path, bytes);
      expectMissed();
    });

    it.each([0, 5, 100, 500])('only %i bytes of it are left', (size) => {
      const path = onlyFile();
      truncateSync(path, size);
      expectMissed();
    });

    it('something was added to it', () => {
      appendFileSync(onlyFile(), 'x');
      expectMissed();
    });
  });

  it('says so when a directory is in its place', () => {
    fill(cacheOf(folder, checkpoint));
    const path = onlyFile();
    folders.delete(path);
    mkdirSync(join(path, 'full'), { recursive: true });
    const cache = cacheOf(folder, checkpoint);
    expect(cache.open()).toBeUndefined();
    expect(() => fill(cache)).toThrow();
    cache.discard();
    expect(readdirSync(folder)).toHaveLength(1);
    expect(statSync(path).isDirectory()).toBe(true);
  });

  it('removes what a process left behind long ago, of whatever model, and nothing else', () => {
    mkdirSync(folder, { recursive: true });
    const id = '01234567-89ab-cdef-0123-456789abcdef';
    const [abandoned, fresh, others, done] = [
      `${'a'.repeat(32)}.safetensors.${id}.tmp`,
      `${'b'.repeat(32)}.safetensors.${id}.tmp`,
      'download.tmp',
      `${'a'.repeat(32)}.safetensors`,
    ];
    for (const name of [abandoned, fresh, others, done]) {
      writeFileSync(join(folder, name), '');
      if (name !== fresh) utimesSync(join(folder, name), TIME, TIME);
    }
    const cache = cacheOf(folder, checkpoint);
    cache.create();
    cache.discard();
    expect(readdirSync(folder).sort()).toEqual([done, fresh, others].sort());
  });

  it('is written even if something that was left behind cannot be removed', () => {
    mkdirSync(join(folder, `${'a'.repeat(32)}.safetensors.${'0'.repeat(36)}.tmp`), { recursive: true });
    utimesSync(join(folder, `${'a'.repeat(32)}.safetensors.${'0'.repeat(36)}.tmp`), TIME, TIME);
    fill(cacheOf(folder, checkpoint));
    expect(cacheOf(folder, checkpoint).open()).toBeDefined();
  });
});
