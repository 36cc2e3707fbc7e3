import type { Pointer } from './c-api.js';
import type { InterruptHandles } from './interrupt.js';
import type { OrtRuntime } from './runtime.js';
import type { OrtTensor } from './tensor.js';

const OPTIMIZE_ALL = 99;

export interface SessionOptions {
  /** Threads that share one operator. */
  readonly threads: number;
  /** Folder that the model's external data is relative to. */
  readonly weightsFolder: string;
  /** Borrowed: they outlive the session, and their owner can stop it. */
  readonly interrupt: InterruptHandles;
}

/** A graph that is ready to run. Owner: whoever created it, who disposes of its bindings first. */
export class OrtSession {
  private readonly handle: Pointer;
  private readonly runOptions: Pointer;

  constructor(
    private readonly runtime: OrtRuntime,
    model: Uint8Array,
    { threads, weightsFolder, interrupt }: SessionOptions,
  ) {
    const { api, environment } = runtime;
    const { sessionOptions, runOptions } = interrupt;
    api.call('SetSessionGraphOptimizationLevel', sessionOptions, OPTIMIZE_ALL);
    api.call('SetIntraOpNumThreads', sessionOptions, threads);
    api.call('SetInterOpNumThreads', sessionOptions, 1);
    for (const [key, value] of Object.entries({
      'session.model_external_initializers_file_folder_path': weightsFolder,
      'session.set_denormal_as_zero': '1',
    })) {
      api.call('AddSessionConfigEntry', sessionOptions, key, value);
    }
    this.runOptions = runOptions;
    this.handle = api.create('CreateSessionFromArray', environment, model, model.byteLength, sessionOptions);
  }

  createBinding(): IoBinding {
    return new IoBinding(this.runtime, this.handle);
  }

  /** Runs the graph on what is bound; blocks the thread until it is done. */
  run(binding: IoBinding): void {
    this.runtime.api.call('RunWithBinding', this.handle, this.runOptions, binding.handle);
  }

  dispose(): void {
    this.runtime.api.release('ReleaseSession', this.handle);
  }
}

/** Which tensors a run reads and writes. The tensors must outlive it. */
export class IoBinding {
  readonly handle: Pointer;

  constructor(
    private readonly runtime: OrtRuntime,
    session: Pointer,
  ) {
    this.handle = runtime.api.create('CreateIoBinding', session);
  }

  input(name: string, tensor: OrtTensor): void {
    this.runtime.api.call('BindInput', this.handle, name, tensor.handle);
  }

  output(name: string, tensor: OrtTensor): void {
    this.runtime.api.call('BindOutput', this.handle, name, tensor.handle);
  }

  dispose(): void {
    this.runtime.api.release('ReleaseIoBinding', this.handle);
  }
}
