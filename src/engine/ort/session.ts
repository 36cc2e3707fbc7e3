import type { OrtApi, Pointer } from './c-api.js';
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

  /**
   * @param model a serialized ModelProto
   * @param weights tensors for initializers of the model, by name; their memory is borrowed, but for what gets packed
   */
  constructor(
    private readonly runtime: OrtRuntime,
    model: Uint8Array,
    weights: ReadonlyMap<string, OrtTensor>,
    options: SessionOptions,
  ) {
    const { api, environment } = runtime;
    this.runOptions = options.interrupt.runOptions;
    // A clone, which shares the flag that stops a load: the weights must not be held for as long as the original lives.
    const sessionOptions = api.create('CloneSessionOptions', options.interrupt.sessionOptions);
    try {
      configure(api, sessionOptions, options);
      // As initializers to share: AddExternalInitializers would copy them all.
      for (const [name, tensor] of weights) api.call('AddInitializer', sessionOptions, name, tensor.handle);
      this.handle = api.create('CreateSessionFromArray', environment, model, model.byteLength, sessionOptions);
    } finally {
      api.release('ReleaseSessionOptions', sessionOptions);
    }
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

function configure(api: OrtApi, handle: Pointer, { threads, weightsFolder }: SessionOptions): void {
  api.call('SetSessionGraphOptimizationLevel', handle, OPTIMIZE_ALL);
  api.call('SetIntraOpNumThreads', handle, threads);
  api.call('SetInterOpNumThreads', handle, 1);
  for (const [key, value] of Object.entries({
    'session.model_external_initializers_file_folder_path': weightsFolder,
    'session.set_denormal_as_zero': '1',
  })) {
    api.call('AddSessionConfigEntry', handle, key, value);
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
