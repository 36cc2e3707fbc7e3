/**
 * Preloaded into a server under test (`--import`), in its threads as well: makes one of them break when a certain request
 * comes, every step of the decoder slow, the load never end, the clock jump, or the control group's limit a small one. The
 * server itself has no door for this.
 */
import workerThreads, { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { syncBuiltinESMExports } from 'node:module';

const { FAULT: fault, FAULT_THREAD: thread, FAULT_STEP_MS: stepMs } = process.env;
const ownThread = workerData?.options ? 'decoder' : workerData?.modelPath && 'text';

const BREAKS = {
  exception: () => {
    throw new Error('injected');
  },
  memory: () => {
    const kept = [];
    for (;;) kept.push(new Array(100_000).fill(kept.length));
  },
  crash: () => process.kill(process.pid, 'SIGSEGV'),
  standstill: () => waitFor(Infinity),
};

/** Milliseconds in which the thread does nothing, and hears nothing. */
function waitFor(ms) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** In place of a thread that makes weights: makes none until it is to stop. */
const STALLED = `
  const { workerData } = require('node:worker_threads');
  const next = new Int32Array(workerData.next);
  for (let at; (at = Atomics.load(next, 0)) < workerData.units.length; ) Atomics.wait(next, 0, at, 20);
`;

if (fault === 'clock') {
  // Each look at it finds another day; timers and the monotonic clock go on, as when somebody sets the date.
  const DAY = 86_400_000;
  const now = Date.now.bind(Date);
  let looks = 0;
  Date.now = () => now() + DAY * ((looks++ % 3) - 1);
} else if (fault === 'little memory') {
  process.constrainedMemory = () => 4 * 2 ** 20;
} else if (fault === 'stall') {
  workerThreads.Worker = class extends workerThreads.Worker {
    constructor(url, options) {
      if (url.pathname.endsWith('/weight-worker.js')) super(STALLED, { ...options, eval: true });
      else super(url, options);
    }
  };
  syncBuiltinESMExports();
} else if (fault in BREAKS && isMainThread) {
  // Exhausted soon, so that the test need not fill the machine.
  workerThreads.Worker = class extends workerThreads.Worker {
    constructor(url, options) {
      super(url, { ...options, resourceLimits: { maxOldGenerationSizeMb: 100 } });
    }
  };
  syncBuiltinESMExports();
} else if (fault in BREAKS && parentPort && thread === ownThread) {
  parentPort.addEventListener('message', (event) => {
    if (!JSON.stringify(event.data).includes(thread === 'text' ? 'break now' : '"maxNewTokens":13')) return;
    // Nobody else gets to see it.
    event.stopImmediatePropagation();
    BREAKS[fault]();
  });
}

// Beside any other fault: there is something to break into.
if (stepMs && parentPort && ownThread === 'decoder') {
  const post = parentPort.postMessage.bind(parentPort);
  parentPort.postMessage = (message) => {
    if (message.type === 'step') waitFor(Number(stepMs));
    post(message);
  };
}
