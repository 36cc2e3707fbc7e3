import type { Checkpoint } from './checkpoint.js';
import { cachePositions, QuantizedCache } from './quantized-cache.js';
import type { WeightMemory } from './weight-memory.js';
import type { WeightPlan } from './weight-plan.js';
import { runWeightThreads, type WeightWork } from './weight-threads.js';
import { cutIntoUnits } from './weight-units.js';

export interface PrepareOptions {
  readonly threads: number;
  /** Folder that keeps quantized weights for the next start; none if left out. */
  readonly cacheFolder?: string;
  readonly signal: AbortSignal;
}

/**
 * Makes the weights of a graph: reads the checkpoint, widens and quantizes it, all threads at once, each one small piece
 * at a time. Quantized weights come from the cache if it has them, and are kept there if it can.
 *
 * @param memory with room for the weights, which is filled
 * @returns why the next start will not find quantized weights in the cache, if so
 * @throws {EngineError} model_invalid, or cancelled by the signal
 */
export async function prepareWeights(
  checkpoint: Checkpoint,
  plans: readonly WeightPlan[],
  memory: WeightMemory,
  { threads, cacheFolder, signal }: PrepareOptions,
): Promise<string | undefined> {
  const quantized = plans.filter(({ format }) => format !== 'float32');
  const positions = cachePositions(quantized);
  const units = cutIntoUnits(plans, (name) => ({ address: memory.address(name), cached: positions.get(name) }));
  const run = (cache?: WeightWork['cache']): Promise<string | undefined> =>
    runWeightThreads({ root: checkpoint.root, units, cache }, threads, signal);
  if (quantized.length === 0 || cacheFolder === undefined) return run();
  const cache = attempt(() => new QuantizedCache(cacheFolder, checkpoint, quantized, units.length));
  return cache.value === undefined ? run() : runCached(cache.value, run);
}

/** A cache is there to save time: whatever is wrong with it, the weights are made without it. */
async function runCached(
  cache: QuantizedCache,
  run: (cache?: WeightWork['cache']) => Promise<string | undefined>,
): Promise<string | undefined> {
  const { start, checksums } = cache;
  const found = attempt(() => cache.open());
  if (found.value !== undefined) {
    if ((await run({ path: found.value, mode: 'read', start, checksums })) === undefined) return undefined;
  }
  const created = attempt(() => cache.create());
  if (created.value === undefined) {
    await run();
    return created.failure;
  }
  try {
    const failure = await run({ path: created.value, mode: 'write', start, checksums });
    return failure ?? attempt(() => cache.commit()).failure;
  } finally {
    attempt(() => cache.discard());
  }
}

function attempt<T>(action: () => T): { readonly value?: T; readonly failure?: string } {
  try {
    return { value: action() };
  } catch (error) {
    return { failure: (error as Error).message };
  }
}
