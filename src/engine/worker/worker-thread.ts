import { Worker } from 'node:worker_threads';
import { EngineError } from '../errors.js';

/** Of new objects: what a thread leaves behind is little, and memory that it once grew to stays with the process. */
const YOUNG_GENERATION_MB = 3;

export interface WorkerHandlers<Message> {
  readonly onMessage: (message: Message) => void;
  /** The thread ended although nobody asked it to. */
  readonly onFailure: (error: EngineError, outOfMemory: boolean) => void;
  /** Most memory for its JavaScript objects; beyond, it fails. What Node thinks right if left out. */
  readonly maxHeapMiB?: number;
}

/** A worker thread with typed messages, whose unexpected end is told once. */
export class WorkerThread<Command, Message> {
  private readonly worker: Worker;
  /** It has its modules, and has said something. */
  private readonly begun: Promise<void>;
  private readonly exited: Promise<void>;
  private ending = false;

  /** @param entry the worker's file, next to this one */
  constructor(
    private readonly entry: string,
    data: unknown,
    { onMessage, onFailure, maxHeapMiB }: WorkerHandlers<Message>,
  ) {
    this.worker = new Worker(new URL(entry, import.meta.url), {
      workerData: data,
      resourceLimits: { maxOldGenerationSizeMb: maxHeapMiB, maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
    });
    this.worker.on('message', onMessage);
    let reason = 'it ended';
    let outOfMemory = false;
    this.worker.on('error', (error: unknown) => {
      reason = error instanceof Error ? error.message : String(error);
      outOfMemory = (error as { readonly code?: unknown } | null)?.code === 'ERR_WORKER_OUT_OF_MEMORY';
    });
    this.begun = new Promise((resolve) => {
      this.worker.once('message', resolve).once('exit', resolve);
    });
    this.exited = new Promise((resolve) => {
      this.worker.once('exit', () => {
        resolve();
        if (!this.ending) onFailure(new EngineError('runtime_failed', `${this.entry} failed: ${reason}`), outOfMemory);
      });
    });
  }

  post(command: Command): void {
    this.worker.postMessage(command);
  }

  /** Waits until the thread has ended by itself, after a last command that makes it. */
  async finish(lastCommand: Command): Promise<void> {
    this.ending = true;
    this.post(lastCommand);
    await this.exited;
  }

  /** Ends a thread that holds nothing native, once it has said something. */
  async terminate(): Promise<void> {
    this.ending = true;
    // Of one that is ended while it imports, Node 22 says much on the error output.
    await this.begun;
    await this.worker.terminate();
  }
}
