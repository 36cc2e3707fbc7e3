import { totalmem } from 'node:os';
import { EngineError } from '../errors.js';

export interface MemoryNeed {
  readonly weightBytes: number;
  readonly kvCacheBytes: number;
}

/**
 * Bytes that this process may have at most: what the machine has, or less where its control group (v1 or v2), as that of a
 * container, is given less. Node knows it from libuv, which says 0 or more than there can be when there is no such limit.
 */
export function memoryLimit(constrained = process.constrainedMemory(), physical = totalmem()): number {
  return constrained > 0 ? Math.min(constrained, physical) : physical;
}

/**
 * Tells before a load what would otherwise be the kernel's kill in the middle of it, or of an answer.
 *
 * @returns a warning when the weights fit, but not all that comes with them
 * @throws {EngineError} device_unavailable when not even the weights do
 */
export function checkMemory({ weightBytes, kvCacheBytes }: MemoryNeed, limit = memoryLimit()): string | undefined {
  const advice = 'give it more, or quantize the weights';
  const may = `the process may have ${gib(limit)} of memory`;
  if (weightBytes >= limit) {
    throw new EngineError('device_unavailable', `the weights take ${gib(weightBytes)}, but ${may}: ${advice}`);
  }
  if (weightBytes + kvCacheBytes < limit) return undefined;
  const cache = `the KV cache up to ${gib(kvCacheBytes)}`;
  return `the weights take ${gib(weightBytes)} and ${cache}, but ${may}: ${advice}, or serve fewer or shorter requests`;
}

function gib(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(2)} GiB`;
}
