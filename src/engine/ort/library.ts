import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { EngineError } from '../errors.js';

const FILE_NAMES: Partial<Record<NodeJS.Platform, string>> = {
  linux: 'libonnxruntime.so.1',
  darwin: 'libonnxruntime.1.dylib',
  win32: 'onnxruntime.dll',
};

/**
 * The path of the ONNX Runtime library that onnxruntime-node ships for this platform.
 *
 * @throws {EngineError} device_unavailable when it ships none.
 */
export function locateOnnxRuntime(): string {
  const fileName = FILE_NAMES[process.platform];
  const packageFile = createRequire(import.meta.url).resolve('onnxruntime-node/package.json');
  const path = join(dirname(packageFile), 'bin', 'napi-v6', process.platform, process.arch, fileName ?? '');
  if (!fileName || !existsSync(path)) {
    throw new EngineError(
      'device_unavailable',
      `onnxruntime-node ships no ONNX Runtime library for ${process.platform} on ${process.arch}`,
    );
  }
  return path;
}

/** The version of onnxruntime-node, which is that of the library. */
export function onnxRuntimeVersion(): string {
  const { version } = createRequire(import.meta.url)('onnxruntime-node/package.json') as { version: string };
  return version;
}
