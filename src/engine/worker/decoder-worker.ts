/** Thread of the network: loads the model, then runs the step loop while there is something to do. */
import { parentPort, workerData } from 'node:worker_threads';
import { GenerationLoop } from '../batching/generation-loop.js';
import { EngineError } from '../errors.js';
import { collectGarbage } from '../garbage.js';
import { LoadedModel } from '../model/loaded-model.js';
import { releaseFreeMemory } from '../native-heap.js';
import type { EngineOptions } from '../types.js';
import type { DecoderCommand, DecoderMessage, DecoderWorkerData } from './protocol.js';

if (!parentPort) throw new Error('decoder-worker runs as a worker thread');
const port = parentPort;
const post = (message: DecoderMessage): void => port.postMessage(message);

const { options, interrupt } = workerData as DecoderWorkerData;

class DecoderWorker {
  private readonly loop: GenerationLoop;
  private scheduled = false;
  private stopped = false;

  constructor(
    private readonly model: LoadedModel,
    { prefillChunk, prefixCaching = true, speculativeTokens }: EngineOptions,
  ) {
    const { info, defaults, runner, tokenizer } = model;
    this.loop = new GenerationLoop(runner, {
      slots: info.slots,
      prefillChunk,
      prefixCaching,
      speculativeTokens,
      eosIds: defaults.eosIds,
      createDetokenizer: (skipSpecialTokens, kept) => tokenizer.detokenizer(skipSpecialTokens, kept),
      bytesOf: (token) => tokenizer.bytesOf(token),
    });
    post({ type: 'ready', info, defaults });
  }

  obey(command: Exclude<DecoderCommand, { type: 'dispose' }>): void {
    switch (command.type) {
      case 'submit':
        this.loop.submit(command.request);
        return this.schedule();
      case 'cancel':
        return this.loop.cancel(command.id);
    }
  }

  dispose(): void {
    this.stopped = true;
    this.model.dispose();
  }

  private schedule(): void {
    if (this.scheduled || this.stopped || this.loop.idle) return;
    this.scheduled = true;
    // A turn of the event loop between steps: new and cancelled requests are seen.
    setImmediate(() => {
      this.scheduled = false;
      if (!this.stopped) this.step();
    });
  }

  private step(): void {
    try {
      const events = this.loop.step();
      const report = this.loop.lastStep;
      if (report || events.length > 0) post({ type: 'step', report, events });
      this.schedule();
    } catch (error) {
      this.stopped = true;
      fail(error);
    }
  }
}

function fail(error: unknown): void {
  post({ type: 'failed', error: EngineError.from(error).serialize() });
}

async function load(signal: AbortSignal): Promise<DecoderWorker | undefined> {
  try {
    const model = await LoadedModel.load(options, interrupt, {
      onPhase: (phase, expectedGrowth) => post({ type: 'phase', phase, expectedGrowth }),
      signal,
    });
    // Only now: within the load, what it has read would still be held.
    collectGarbage();
    releaseFreeMemory();
    return new DecoderWorker(model, options);
  } catch (error) {
    fail(error);
    return undefined;
  }
}

const unload = new AbortController();
const loading = load(unload.signal);

async function obey(command: DecoderCommand): Promise<void> {
  if (command.type === 'dispose') unload.abort();
  const worker = await loading;
  if (command.type !== 'dispose') return worker?.obey(command);
  worker?.dispose();
  port.close();
}

port.on('message', (command: DecoderCommand) => void obey(command));
