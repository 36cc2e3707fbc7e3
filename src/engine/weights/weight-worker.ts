/** Thread that makes weights: reads, widens and quantizes one unit after the other, as long as there are any. */
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { crc32 } from 'node:zlib';
import koffi from 'koffi';
import { bytesOfElement } from './data-type.js';
import { readExactly, writeExactly } from './exact-io.js';
import { quantize } from './quantize.js';
import type { UnitPart, WeightUnit } from './weight-units.js';
import { widen } from './widen.js';

export interface WeightWorkerData {
  /** Folder that the units' locations count from. */
  readonly root: string;
  readonly units: readonly WeightUnit[];
  /** Int32 [1]: the first unit that nobody has taken; set to their number to end the work. */
  readonly next: SharedArrayBuffer;
  readonly cache?: WeightWorkerCache;
}

/** A file that keeps the units which have a place in it. */
export interface WeightWorkerCache {
  readonly path: string;
  readonly mode: 'read' | 'write';
  /** Position in the file that the units' positions count from. */
  readonly start: number;
  /** Int32 [units]: CRC-32 of each unit's bytes in the file. */
  readonly checksums: SharedArrayBuffer;
}

/** How a thread ended. A cache that cannot be written does not stop it, one that cannot be read does. */
export type WeightWorkerMessage =
  | { readonly type: 'done'; readonly cacheFailure?: string }
  /** A file of the checkpoint; the reason names it. */
  | { readonly type: 'unreadable'; readonly reason: string };

const { root, units, next, cache } = workerData as WeightWorkerData;
const taken = new Int32Array(next);
const checksums = new Int32Array(cache?.checksums ?? new SharedArrayBuffer(0));
/** Open files by path; those that an error leaves open are closed with the thread. */
const files = new Map<string, number>();
let source = new Uint8Array(0);
let floats = new Float32Array(0);

function work(): WeightWorkerMessage {
  let cacheFailure: string | undefined;
  for (let index = take(); index < units.length; index = take()) {
    const unit = units[index];
    const values = view(unit.values);
    const scales = unit.scales && view(unit.scales);
    const cached = unit.values.cached === undefined ? undefined : cache;
    if (cached?.mode === 'read') {
      cacheFailure = failureOf(() => readCache(cached, unit, index, values, scales));
      if (cacheFailure !== undefined) break;
    } else {
      make(unit, values, scales);
      if (cached) cacheFailure ??= failureOf(() => writeCache(cached, unit, index, values, scales));
    }
  }
  // What was written may be refused only now.
  const closing = failureOf(() => files.forEach((file) => closeSync(file)));
  return { type: 'done', cacheFailure: cacheFailure ?? closing };
}

function take(): number {
  return Atomics.add(taken, 0, 1);
}

function make(unit: WeightUnit, values: Uint8Array, scales: Uint8Array | undefined): void {
  if (source.byteLength < unit.bytes) source = new Uint8Array(unit.bytes);
  const bytes = source.subarray(0, unit.bytes);
  readSource(unit, bytes);
  if (unit.format === 'float32' || !scales) return toFloats(bytes, unit, floatsOf(values));
  const count = unit.bytes / (bytesOfElement(unit.dtype) as number);
  if (floats.length < count) floats = new Float32Array(count);
  const weights = floats.subarray(0, count);
  toFloats(bytes, unit, weights);
  quantize(weights, unit.format, values, floatsOf(scales));
}

function toFloats(bytes: Uint8Array, { dtype, factor = 1 }: WeightUnit, weights: Float32Array): void {
  widen(bytes, dtype, weights);
  if (factor === 1) return;
  for (let i = 0; i < weights.length; i++) weights[i] *= factor;
}

class UnreadableError extends Error {}

function readSource({ location, offset }: WeightUnit, bytes: Uint8Array): void {
  try {
    readExactly(open(join(root, location), 'r'), bytes, offset);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new UnreadableError(`${location}: ${code === undefined ? message : `cannot be read (${code})`}`);
  }
}

type CacheAccess = (
  cache: WeightWorkerCache,
  unit: WeightUnit,
  index: number,
  values: Uint8Array,
  scales: Uint8Array | undefined,
) => void;

const readCache: CacheAccess = ({ path, start }, unit, index, values, scales) => {
  const file = open(path, 'r');
  readExactly(file, values, start + (unit.values.cached as number));
  if (scales) readExactly(file, scales, start + (unit.scales?.cached as number));
  if (checksum(values, scales) !== checksums[index]) throw new Error('it is damaged');
};

const writeCache: CacheAccess = ({ path, start }, unit, index, values, scales) => {
  const file = open(path, 'r+');
  writeExactly(file, values, start + (unit.values.cached as number));
  if (scales) writeExactly(file, scales, start + (unit.scales?.cached as number));
  checksums[index] = checksum(values, scales);
};

function checksum(values: Uint8Array, scales: Uint8Array | undefined): number {
  const sum = crc32(values);
  return (scales ? crc32(scales, sum) : sum) | 0;
}

function open(path: string, flags: string): number {
  const file = files.get(path) ?? openSync(path, flags);
  files.set(path, file);
  return file;
}

function failureOf(action: () => void): string | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

function view({ address, bytes }: UnitPart): Uint8Array {
  return new Uint8Array(koffi.view(address, bytes));
}

function floatsOf(bytes: Uint8Array): Float32Array {
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
}

try {
  parentPort?.postMessage(work());
} catch (error) {
  if (!(error instanceof UnreadableError)) throw error;
  parentPort?.postMessage({ type: 'unreadable', reason: error.message } satisfies WeightWorkerMessage);
}
