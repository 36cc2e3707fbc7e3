import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';

/** Far more than caches hold. */
const BYTES_PER_THREAD = 256 * 2 ** 20;
const PASSES = 40;

const answerOf = (worker) => new Promise((resolve) => worker.once('message', resolve));

/**
 * Bytes per second that all cores together can read from memory: a decode step cannot be faster than its weights. The
 * best of many passes, since whatever else the machine does only takes away.
 */
export async function measureBandwidth(threads = availableParallelism()) {
  const workers = Array.from(
    { length: threads },
    () => new Worker(new URL('bandwidth-worker.mjs', import.meta.url), { workerData: { bytes: BYTES_PER_THREAD } }),
  );
  await Promise.all(workers.map(answerOf));
  let best = 0;
  for (let pass = 0; pass < PASSES; pass++) {
    const started = performance.now();
    const answers = workers.map(answerOf);
    for (const worker of workers) worker.postMessage('read');
    await Promise.all(answers);
    best = Math.max(best, (threads * BYTES_PER_THREAD * 1000) / (performance.now() - started));
  }
  await Promise.all(workers.map((worker) => worker.terminate()));
  return best;
}
