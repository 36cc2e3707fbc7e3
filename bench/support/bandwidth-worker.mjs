/** Reads memory of its own as fast as one thread can, whenever it is told to. */
import { parentPort, workerData } from 'node:worker_threads';

// Not zero: untouched pages of zeros would all be the same page, which is in the cache.
const memory = Buffer.alloc(workerData.bytes, 1);
const halves = [memory.subarray(0, workerData.bytes / 2), memory.subarray(workerData.bytes / 2)];

parentPort.on('message', () => {
  // To find two halves equal, memcmp of the C library reads all of both, with the widest instructions there are.
  parentPort.postMessage(halves[0].equals(halves[1]));
});
parentPort.postMessage('ready');
