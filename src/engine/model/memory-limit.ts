import { totalmem } from 'node:os';
import { EngineError } from '../errors.js';

export interface MemoryNeed {
  readonly weightBytes: number;
  readonly kvCacheBytes: number;
}

export interface MemoryLimit {
  readonly bytes: number;
  /** Of a control group: the kernel ends who goes beyond it. What a machine lacks for a while, it may have as swap. */
  readonly hard: boolean;
}

/** Weights are in memory twice while the runtime takes them in: as they were made, and as it packs them. */
const COPIES_WHILE_LOADING = 2;
/** What Node, the framework, the tokenizers and the runtime take beside: 75 to 140 MiB were measured, and this is never enough. */
const OWN_BYTES = 64 * 2 ** 20;

/**
 * What this process may have at most: what the machine has, or less where its control group (v1 or v2), as that of a
 * container, is given less. Node knows it from libuv, which says 0 or more than there can be when there is no such limit.
 */
export function memoryLimit(constrained = process.constrainedMemory(), physical = totalmem()): MemoryLimit {
  const hard = constrained > 0 && constrained < physical;
  return { bytes: hard ? constrained : physical, hard };
}

/**
 * Tells before a load what would otherwise be the kernel's kill in the middle of it, or of an answer.
 *
 * @returns a warning when the weights fit, but not all that comes with them
 * @throws {EngineError} device_unavailable when not even the weights do
 */
export function checkMemory({ weightBytes, kvCacheBytes }: MemoryNeed, limit = memoryLimit()): string | undefined {
  const weights = `the weights take ${gib(weightBytes)}`;
  const may = `the process may have ${gib(limit.bytes)} of memory: give it more, or quantize the weights`;
  const whileLoading = COPIES_WHILE_LOADING * weightBytes + OWN_BYTES;
  if (weightBytes >= limit.bytes || (limit.hard && whileLoading >= limit.bytes)) {
    const load = `the server needs more than ${gib(whileLoading)} to load them`;
    throw new EngineError('device_unavailable', `${weights} and ${load}, but ${may}`);
  }
  if (weightBytes + kvCacheBytes + OWN_BYTES < limit.bytes) return undefined;
  return `${weights} and the KV cache up to ${gib(kvCacheBytes)}, but ${may}, or serve fewer or shorter requests`;
}

function gib(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(2)} GiB`;
}
