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
 * Makes weights with several threads, which take the units one after the other. However it ends, none of them touches
 * the weights any more.
 *
 * @returns why the cache was of no use, if it was not: when it was to be read, the weights are then incomplete
 * @throws {EngineError} model_invalid when a file cannot be read; runtime_failed when a thread fails; cancelled by the
 * signal
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
      if (message.type !== 'done' || (message.cacheFailure !== undefined && work.cache?.mode === 'read')) stop();
      return message;
    }),
  );
  signal.removeEventListener('abort', stop);
  if (signal.aborted) throw new EngineError('cancelled', 'the load was cancelled');
  let cacheFailure: string | undefined;
  for (const message of messages) {
    if (message.type === 'crashed') {
      throw new EngineError('runtime_failed', `a thread that makes weights failed: ${message.reason}`);
    }
    if (message.type === 'unreadable') throw new EngineError('model_invalid', message.reason);
    cacheFailure ??= message.cacheFailure;
  }
  return cacheFailure;
}

type ThreadEnd = WeightWorkerMessage | { readonly type: 'crashed'; readonly reason: string };

/** Never rejects: the other threads would be left at work on memory that is freed. */
function runThread(workerData: WeightWorkerData): Promise<ThreadEnd> {
  return new Promise((resolve) => {
    let end: ThreadEnd = { type: 'crashed', reason: 'it ended early' };
    const crash = (error: unknown): void => {
      end = { type: 'crashed', reason: error instanceof Error ? error.message : String(error) };
    };
    try {
      const worker = new Worker(new URL('./weight-worker.js', import.meta.url), { workerData });
      worker.once('message', (message: WeightWorkerMessage) => (end = message));
      worker.once('error', crash);
      worker.once('exit', () => resolve(end));
    } catch (error) {
      // The system has no thread to give.
      crash(error);
      resolve(end);
    }
  });
}
