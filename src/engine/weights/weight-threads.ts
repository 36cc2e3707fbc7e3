import { Worker } from 'node:worker_threads';
import { EngineError } from '../errors.js';
import type { WeightUnit } from './weight-units.js';
import type { WeightWorkerCache, WeightWorkerData, WeightWorkerMessage } from './weight-worker.js';

export interface WeightWork {
  readonly root: string;
  readonly units: readonly WeightUnit[];
  readonly cache?: WeightWorkerCache;
}

/**
 * Makes weights with several threads, which take the units one after the other.
 *
 * @returns why the cache was of no use, if it was not: when it was to be read, the weights are then incomplete
 * @throws {EngineError} model_invalid when a file cannot be read; cancelled by the signal
 */
export async function runWeightThreads(
  work: WeightWork,
  threads: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  const next = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  const stop = (): void => void Atomics.store(new Int32Array(next), 0, work.units.length);
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  const data: WeightWorkerData = { ...work, next };
  const messages = await Promise.all(
    Array.from({ length: Math.min(threads, work.units.length) }, async () => {
      const message = await runThread(data);
      // The others need not go on with what is of no use any more.
      if (message.type === 'failed' || (message.cacheFailure !== undefined && work.cache?.mode === 'read')) stop();
      return message;
    }),
  );
  signal.removeEventListener('abort', stop);
  if (signal.aborted) throw new EngineError('cancelled', 'the load was cancelled');
  let cacheFailure: string | undefined;
  for (const message of messages) {
    if (message.type === 'failed') throw new EngineError('model_invalid', `the weights: ${message.reason}`);
    cacheFailure ??= message.cacheFailure;
  }
  return cacheFailure;
}

function runThread(workerData: WeightWorkerData): Promise<WeightWorkerMessage> {
  return new Promise((resolve) => {
    const worker = new Worker(new URL('./weight-worker.js', import.meta.url), { workerData });
    worker.once('message', resolve);
    worker.once('error', (error: Error) => resolve({ type: 'failed', reason: error.message }));
    worker.once('exit', () => resolve({ type: 'failed', reason: 'a thread ended early' }));
  });
}
