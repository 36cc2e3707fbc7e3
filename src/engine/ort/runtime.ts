import { OrtApi, type Pointer } from './c-api.js';
import { NativeMemory } from './tensor.js';

/** What goes wrong comes back as a status, whose message is logged once. */
const LOG_LEVEL_FATAL = 4;
const DEVICE_ALLOCATOR = 0;
const MEMORY_TYPE_DEFAULT = 0;

/** The environment that sessions and tensors live in. Owner: the thread that runs the model. */
export class OrtRuntime {
  readonly environment: Pointer;
  /** Describes ordinary memory, for tensors over it. */
  readonly cpuMemory: Pointer;
  private readonly allocator: Pointer;

  constructor(readonly api: OrtApi = new OrtApi()) {
    this.environment = api.create('CreateEnv', LOG_LEVEL_FATAL, 'roost');
    this.cpuMemory = api.create('CreateCpuMemoryInfo', DEVICE_ALLOCATOR, MEMORY_TYPE_DEFAULT);
    // Not freed: the default allocator belongs to the library.
    this.allocator = api.create('GetAllocatorWithDefaultOptions');
  }

  /** Allocates memory that JavaScript sees as an ArrayBuffer and ONNX Runtime as tensors. Large blocks cost pages only where touched. */
  allocate(bytes: number): NativeMemory {
    const { api, allocator } = this;
    const address = api.create('AllocatorAlloc', allocator, bytes);
    return new NativeMemory(address, bytes, () => api.call('AllocatorFree', allocator, address));
  }

  dispose(): void {
    this.api.release('ReleaseMemoryInfo', this.cpuMemory);
    this.api.release('ReleaseEnv', this.environment);
  }
}
