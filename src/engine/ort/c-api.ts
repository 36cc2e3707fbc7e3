import { env } from 'node:process';
import koffi, { type LibraryHandle } from 'koffi';
import { EngineError } from '../errors.js';
import { locateOnnxRuntime } from './library.js';

/** An address in native memory; 0n is the null pointer. */
export type Pointer = bigint;

/** The version of the C API that is asked for, from ONNX Runtime 1.22 on; newer libraries answer to it as well. */
const API_VERSION = 22;

/**
 * The functions in use: position in `struct OrtApi` and parameters. The table is append-only, so a position never
 * changes. Source: onnxruntime_c_api.h; every function here but the releases returns an `OrtStatus*`.
 */
const FUNCTIONS = {
  GetErrorMessage: [2, 'const char *', ['void *']],
  CreateEnv: [3, 'void *', ['int', 'str', 'void *']],
  CreateSessionFromArray: [8, 'void *', ['void *', 'void *', 'size_t', 'void *', 'void *']],
  CreateSessionOptions: [10, 'void *', ['void *']],
  CloneSessionOptions: [12, 'void *', ['void *', 'void *']],
  SetSessionGraphOptimizationLevel: [23, 'void *', ['void *', 'int']],
  SetIntraOpNumThreads: [24, 'void *', ['void *', 'int']],
  SetInterOpNumThreads: [25, 'void *', ['void *', 'int']],
  CreateRunOptions: [39, 'void *', ['void *']],
  RunOptionsSetTerminate: [46, 'void *', ['void *']],
  CreateTensorWithDataAsOrtValue: [49, 'void *', ['void *', 'void *', 'size_t', 'void *', 'size_t', 'int', 'void *']],
  CreateCpuMemoryInfo: [69, 'void *', ['int', 'int', 'void *']],
  AllocatorAlloc: [75, 'void *', ['void *', 'size_t', 'void *']],
  AllocatorFree: [76, 'void *', ['void *', 'void *']],
  GetAllocatorWithDefaultOptions: [78, 'void *', ['void *']],
  ReleaseEnv: [92, 'void', ['void *']],
  ReleaseStatus: [93, 'void', ['void *']],
  ReleaseMemoryInfo: [94, 'void', ['void *']],
  ReleaseSession: [95, 'void', ['void *']],
  ReleaseValue: [96, 'void', ['void *']],
  ReleaseRunOptions: [97, 'void', ['void *']],
  ReleaseSessionOptions: [100, 'void', ['void *']],
  AddSessionConfigEntry: [130, 'void *', ['void *', 'str', 'str']],
  RunWithBinding: [133, 'void *', ['void *', 'void *', 'void *']],
  CreateIoBinding: [134, 'void *', ['void *', 'void *']],
  ReleaseIoBinding: [135, 'void', ['void *']],
  BindInput: [136, 'void *', ['void *', 'str', 'void *']],
  BindOutput: [137, 'void *', ['void *', 'str', 'void *']],
  AddInitializer: [150, 'void *', ['void *', 'str', 'void *']],
  SessionOptionsSetLoadCancellationFlag: [293, 'void *', ['void *', 'bool']],
} as const satisfies Record<string, readonly [number, string, readonly string[]]>;

type FunctionName = keyof typeof FUNCTIONS;
type ReleaseName = Extract<FunctionName, `Release${string}`>;
type CreateName = Exclude<FunctionName, ReleaseName | 'GetErrorMessage'>;
type NativeFunction = (...parameters: unknown[]) => unknown;
type Functions = Readonly<Record<FunctionName, NativeFunction>>;

/**
 * Those of each library that was opened, with its handle, for as long as the thread lives: koffi closes a library when its
 * handle is garbage collected, and never frees a type, of which every function has one.
 */
const opened = new Map<string, { readonly library: LibraryHandle; readonly functions: Functions }>();

function functionsOf(path: string): Functions {
  const known = opened.get(path);
  if (known) return known.functions;
  // ONNX Runtime would report to its maker what it runs, and asks only this variable, when it is loaded. In a worker
  // thread `env` is a copy, but the main thread loads the library first (see OrtInterrupt).
  env.ORT_DISABLE_TELEMETRY = '1';
  const library = koffi.load(path);
  const functions = readFunctions(library, path);
  opened.set(path, { library, functions });
  return functions;
}

/** @throws {EngineError} device_unavailable for a library that is too old */
function readFunctions(library: LibraryHandle, path: string): Functions {
  const base = (library.func('OrtGetApiBase', 'void *', []) as unknown as () => Pointer)();
  // struct OrtApiBase { const OrtApi *(*GetApi)(uint32_t version); const char *(*GetVersionString)(void); }
  const getApi = koffi.decode(koffi.decode(base, 'void *'), koffi.proto('void *', ['uint32_t'])) as NativeFunction;
  const table = getApi(API_VERSION) as Pointer | null;
  if (!table) throw new EngineError('device_unavailable', `${path} does not offer version ${API_VERSION} of the C API`);
  const pointerSize = koffi.sizeof('void *');
  return Object.fromEntries(
    Object.entries(FUNCTIONS).map(([name, [index, result, parameters]]) => [
      name,
      koffi.decode(koffi.decode(table, index * pointerSize, 'void *'), koffi.proto(result, [...parameters])),
    ]),
  ) as Functions;
}

/**
 * ONNX Runtime's C API, with its two rules applied: a status is checked, freed and thrown; what was created is
 * released by its owner. One instance for each thread that calls it; pointers are valid in all of them.
 */
export class OrtApi {
  private readonly functions: Functions;

  constructor(libraryPath = locateOnnxRuntime()) {
    this.functions = functionsOf(libraryPath);
  }

  /**
   * Calls a function that reports by status.
   *
   * @throws {EngineError} runtime_failed with ONNX Runtime's message.
   */
  call(name: CreateName, ...parameters: unknown[]): void {
    const status = this.functions[name](...parameters) as Pointer | null;
    if (status) this.raise(name, status);
  }

  /** The same, for a function whose last parameter receives a pointer. */
  create(name: CreateName, ...parameters: unknown[]): Pointer {
    const out = new BigUint64Array(1);
    this.call(name, ...parameters, out);
    return out[0];
  }

  release(name: ReleaseName, handle: Pointer): void {
    this.functions[name](handle);
  }

  private raise(name: CreateName, status: Pointer): never {
    const message = this.functions.GetErrorMessage(status) as string;
    this.release('ReleaseStatus', status);
    throw new EngineError('runtime_failed', `ONNX Runtime ${name}: ${message}`);
  }
}
