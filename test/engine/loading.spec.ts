import { spawn } from 'node:child_process';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import koffi from 'koffi';
import { readDecoderSpec } from '../../src/engine/graph/architectures/index.js';
import { buildDecoderGraph } from '../../src/engine/graph/decoder-graph.js';
import { recipeOf } from '../../src/engine/graph/quantization.js';
import { Engine, type EngineOptions, type LoadProgress } from '../../src/engine/index.js';
import { OrtRuntime } from '../../src/engine/ort/runtime.js';
import { type Checkpoint, openCheckpoint } from '../../src/engine/weights/checkpoint.js';
import { type PrepareOptions, prepareWeights } from '../../src/engine/weights/prepare-weights.js';
import { WeightMemory } from '../../src/engine/weights/weight-memory.js';
import { bytesOfWeights, partsOf, type WeightPlan } from '../../src/engine/weights/weight-plan.js';
import { runWeightThreads } from '../../src/engine/weights/weight-threads.js';
import type { WeightUnit } from '../../src/engine/weights/weight-units.js';
import { answer, loadEngine } from '../support/engine.js';
import { DEMO_MODEL, fixture, readJson, ROOT, TemporaryFolders } from '../support/folders.js';
import { writeLargeModel } from '../support/large-model.js';

const folders = new TemporaryFolders();
afterAll(() => folders.remove());

type Quantization = NonNullable<EngineOptions['quantization']>;

/** What memory holds before weights are made. */
const UNTOUCHED = 0xaa;
const { signal: never } = new AbortController();

interface Preparation extends Partial<PrepareOptions> {
  readonly quantization?: Quantization;
  /** Comes between the check of the headers and the reading of the weights. */
  readonly meanwhile?: () => void;
}

interface Prepared {
  readonly warning?: string;
  readonly error?: unknown;
  /** The bytes of each part. */
  readonly parts: ReadonlyMap<string, Buffer>;
}

function planOf(
  folder: string,
  quantization: Quantization,
): { checkpoint: Checkpoint; weights: readonly WeightPlan[] } {
  const spec = readDecoderSpec(readJson(join(folder, 'config.json')) as Record<string, unknown>);
  const checkpoint = openCheckpoint(folder);
  return { checkpoint, weights: buildDecoderGraph(spec, checkpoint, 64, recipeOf(quantization)).weights };
}

/** Makes the weights of a model folder, without a session. */
async function prepare(folder: string, preparation: Preparation = {}): Promise<Prepared> {
  const { quantization = 'int4', meanwhile, ...options } = preparation;
  const { checkpoint, weights } = planOf(folder, quantization);
  const runtime = new OrtRuntime();
  const memory = new WeightMemory(runtime, weights);
  const parts = new Map(
    weights.flatMap(partsOf).map(({ name, bytes }) => [name, new Uint8Array(koffi.view(memory.address(name), bytes))]),
  );
  for (const bytes of parts.values()) bytes.fill(UNTOUCHED);
  meanwhile?.();
  try {
    const result = await prepareWeights(checkpoint, weights, memory, { threads: 2, signal: never, ...options }).then(
      (warning) => ({ warning }),
      (error: unknown) => ({ error }),
    );
    return { ...result, parts: new Map([...parts].map(([name, bytes]) => [name, Buffer.from(bytes)])) };
  } finally {
    memory.dispose();
    runtime.dispose();
  }
}

function expectSame(actual: Prepared, expected: Prepared): void {
  expect([...actual.parts.keys()]).toEqual([...expected.parts.keys()]);
  for (const [name, bytes] of expected.parts)
    expect([name, actual.parts.get(name)?.equals(bytes)]).toEqual([name, true]);
}

/** Runs a script as a process of its own, and returns what it writes. */
async function run(script: string, shell = 'exec "$0" "$@"'): Promise<string> {
  const engine = JSON.stringify(pathToFileURL(join(ROOT, 'dist/engine/index.js')));
  const code = `const { Engine } = await import(${engine});
    const options = { device: 'auto', dtype: 'auto', maxBatchSize: 1, prefillChunk: 16, threads: 2, maxModelLength: 64 };
    ${script}`;
  const file = join(folders.create(), 'script.mjs');
  writeFileSync(file, code);
  const child = spawn('sh', ['-c', shell, process.execPath, file], {
    env: { PATH: process.env.PATH },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const exit = await new Promise((resolve) => child.once('close', resolve));
  expect(exit).toBe(0);
  return output;
}

/** A script that loads a model, quantized, and writes its warnings. */
function loading(modelPath: string, cacheFolder: string): string {
  return `const engine = await Engine.load({ ...options, ...${JSON.stringify({ modelPath, cacheFolder, quantization: 'int4' })} });
    process.stdout.write(JSON.stringify(engine.info.warnings));
    await engine.dispose();`;
}

describe('the cache of quantized weights', () => {
  let folder: string;
  beforeEach(() => (folder = folders.create()));

  it('gives the second load the very bytes of the first, without quantizing again', async () => {
    const model = folders.copyOf(DEMO_MODEL);
    const file = join(model, 'model.safetensors');
    const time = new Date('2026-01-02T03:04:05Z');
    utimesSync(file, time, time);
    const first = await prepare(model, { cacheFolder: folder });
    expectSame(first, await prepare(model));
    // A change that nobody can see, since it is made in secret to a byte that is no part of the key.
    const { offset } = openCheckpoint(model).tensors.get('model.layers.0.mlp.up_proj.weight') as { offset: number };
    const bytes = readFileSync(file);
    bytes[offset + 1] ^= 0x80;
    writeFileSync(file, bytes);
    utimesSync(file, time, time);
    expectSame(await prepare(model, { cacheFolder: folder }), first);
    expect((await prepare(model)).parts.get('model.layers.0.mlp.gate_up_proj.weight')).not.toEqual(
      first.parts.get('model.layers.0.mlp.gate_up_proj.weight'),
    );
  });

  it('keeps each recipe in a file of its own', async () => {
    for (const quantization of ['int8', 'int4', 'int8'] as const) {
      expectSame(
        await prepare(DEMO_MODEL, { quantization, cacheFolder: folder }),
        await prepare(DEMO_MODEL, { quantization }),
      );
    }
    expect(readdirSync(folder)).toHaveLength(2);
  });

  it('is of no use to weights that are not quantized', async () => {
    await prepare(DEMO_MODEL, { quantization: 'none', cacheFolder: folder });
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each([
    ['a value', (size: number) => size / 2],
    ['the last scale', (size: number) => size - 200],
    ['a checksum', (size: number) => size - 2],
  ])('is made anew when %s in it is damaged', async (_, positionOf) => {
    const expected = await prepare(DEMO_MODEL, { cacheFolder: folder });
    const path = join(folder, readdirSync(folder)[0]);
    const sound = readFileSync(path);
    const damaged = Buffer.from(sound);
    damaged[Math.floor(positionOf(sound.length))] ^= 0x10;
    writeFileSync(path, damaged);
    const again = await prepare(DEMO_MODEL, { cacheFolder: folder });
    expectSame(again, expected);
    expect(again.warning).toBeUndefined();
    expect(readdirSync(folder)).toHaveLength(1);
    expect(readFileSync(path).equals(sound)).toBe(true);
  });

  it('that is damaged and cannot be replaced does not stop a load', async () => {
    const expected = await prepare(DEMO_MODEL, { cacheFolder: folder });
    const path = join(folder, readdirSync(folder)[0]);
    rmSync(path);
    mkdirSync(join(path, 'full'), { recursive: true });
    const again = await prepare(DEMO_MODEL, { cacheFolder: folder });
    expectSame(again, expected);
    expect(again.warning).toMatch(/rename/);
    expect(readdirSync(folder)).toHaveLength(1);
  });

  it.each([
    ['below a file', () => join(DEMO_MODEL, 'config.json', 'cache'), /ENOTDIR/],
    ['a file', () => join(DEMO_MODEL, 'config.json'), /EEXIST|ENOTDIR/],
    // Where Linux takes no files, whoever asks.
    ['on a read-only file system', () => '/sys/kernel/roost', /EPERM|EACCES|EROFS|ENOENT/],
  ])('in a folder that is %s is done without, with one warning', async (_, cacheFolder, reason) => {
    const engine = await loadEngine(DEMO_MODEL, { quantization: 'int4', cacheFolder: cacheFolder() });
    expect(engine.info.warnings).toEqual([
      expect.stringMatching(/not kept for the next start: the cache cannot be/) as string,
    ]);
    expect(engine.info.warnings[0]).toMatch(reason);
    expect(engine.info).toMatchObject({ quantization: 'int4' });
    expect((await answer(engine, { prompt: { kind: 'tokens', ids: [5, 6, 7] }, maxNewTokens: 2 })).ids).toHaveLength(2);
    await engine.dispose();
  });

  it.each([0, 1024])(
    'that outgrows a disk of %i blocks is done without, with one warning, and leaves nothing behind',
    async (blocks) => {
      // A limit on the size of files, in blocks of 512 or 1024 bytes: as on a full disk, a write fails in the middle.
      const output = await run(loading(DEMO_MODEL, folder), `ulimit -f ${blocks}; exec "$0" "$@"`);
      expect(JSON.parse(output)).toEqual([expect.stringMatching(/not kept for the next start: .*EFBIG/) as string]);
      expect(readdirSync(folder)).toEqual([]);
    },
  );

  it('is filled by two processes at once, each as if it were alone', async () => {
    const outputs = await Promise.all([1, 2].map(() => run(loading(DEMO_MODEL, folder))));
    expect(outputs).toEqual(['[]', '[]']);
    expect(readdirSync(folder)).toHaveLength(1);
    const before = statSync(join(folder, readdirSync(folder)[0]));
    expectSame(await prepare(DEMO_MODEL, { cacheFolder: folder }), await prepare(DEMO_MODEL));
    expect(statSync(join(folder, readdirSync(folder)[0])).ino).toBe(before.ino);
  });
});

describe('making weights', () => {
  let folder: string;
  beforeEach(() => (folder = folders.create()));

  it('that was cancelled before touches none of them', async () => {
    const { error, parts } = await prepare(DEMO_MODEL, { cacheFolder: folder, signal: AbortSignal.abort() });
    expect(error).toMatchObject({ code: 'cancelled' });
    for (const bytes of parts.values()) expect(bytes.every((byte) => byte === UNTOUCHED)).toBe(true);
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each(['int8', 'none'] as const)(
    'of %s, cancelled while a model is loaded, leaves nothing behind',
    async (quantization) => {
      const model = folders.create();
      writeLargeModel(model);
      const controller = new AbortController();
      const onProgress = ({ phase }: LoadProgress): void => {
        if (phase === 'weights') controller.abort();
      };
      const options = { modelPath: model, device: 'auto', dtype: 'auto', maxBatchSize: 1, prefillChunk: 16 } as const;
      const loading = Engine.load({ ...options, quantization, cacheFolder: folder }, { onProgress }, controller.signal);
      await expect(loading).rejects.toMatchObject({ code: 'cancelled' });
      expect(readdirSync(folder)).toEqual([]);
    },
  );

  describe.each([
    ['with a cache', () => folder],
    ['without a cache', () => undefined],
  ])('%s', (_, cacheFolder) => {
    it('names the file that was cut off after its header was read', async () => {
      const model = folders.copyOf(DEMO_MODEL);
      const file = join(model, 'model.safetensors');
      const meanwhile = (): void => truncateSync(file, statSync(file).size - 1000);
      const { error } = await prepare(model, { meanwhile, cacheFolder: cacheFolder() });
      expect(error).toMatchObject({ code: 'model_invalid' });
      expect(error).toHaveProperty('message', expect.stringMatching(/^model\.safetensors: ends \d+ bytes too early$/));
      expect(readdirSync(folder)).toEqual([]);
    });

    it('names the file that is gone', async () => {
      const model = folders.copyOf(DEMO_MODEL);
      const meanwhile = (): void => rmSync(join(model, 'model.safetensors'));
      const { error } = await prepare(model, { meanwhile, cacheFolder: cacheFolder() });
      expect(error).toMatchObject({
        code: 'model_invalid',
        message: 'model.safetensors: cannot be read (ENOENT)',
      });
    });
  });

  it('fails with the runtime when a thread cannot be started', async () => {
    // What cannot be sent to a thread fails as a thread does that the system has no room for.
    const root = Symbol() as unknown as string;
    const units = [{}, {}] as WeightUnit[];
    await expect(runWeightThreads({ root, units }, 2, never)).rejects.toMatchObject({
      code: 'runtime_failed',
      message: expect.stringMatching(/^a thread that makes weights failed: /) as string,
    });
  });

  it('fails with the runtime when a thread breaks', async () => {
    const units = [{ values: { address: 'nowhere' } }] as unknown as WeightUnit[];
    await expect(runWeightThreads({ root: DEMO_MODEL, units }, 2, never)).rejects.toMatchObject({
      code: 'runtime_failed',
    });
  });
});

/** Elsewhere, resident memory is another thing. */
(process.platform === 'linux' ? describe : describe.skip)('a loaded model', () => {
  it.each(['none', 'int8'] as const)('of %s holds its weights in memory once', async (quantization) => {
    const model = folders.create();
    writeLargeModel(model, { random: true });
    const { weights } = planOf(model, quantization);
    const small = JSON.stringify(fixture('llama'));
    const large = JSON.stringify(model);
    const output = await run(`
      // What every engine takes, whatever its model.
      await (await Engine.load({ ...options, modelPath: ${small} })).dispose();
      const before = process.memoryUsage.rss();
      const engine = await Engine.load({ ...options, modelPath: ${large}, quantization: '${quantization}' });
      process.stdout.write(String(process.memoryUsage.rss() - before));
      await engine.dispose();`);
    const bytes = bytesOfWeights(weights);
    expect(bytes).toBeGreaterThan(1.2e8);
    expect(Number(output)).toBeGreaterThan(bytes);
    // What the threads take as well.
    expect(Number(output)).toBeLessThan(bytes + 0.7 * 2 ** 27);
  });
});
