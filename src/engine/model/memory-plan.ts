import { EngineError } from '../errors.js';
import type { KvCacheSize } from '../runner/kv-cache.js';

export interface MemoryPlanInput {
  /** Bytes of the keys and values of one token, over all layers. */
  readonly bytesPerToken: number;
  /** Bytes that are free for the KV cache and everything else, once the weights are loaded. */
  readonly freeBytes: number;
  /** Longest sequence that the model was made for, in tokens. */
  readonly maxPositions: number;
  readonly maxModelLength?: number;
  readonly maxBatchSize: number;
}

/** What the KV cache may take of the free memory, when the operator did not say how long sequences may be. */
const CACHE_SHARE = 0.5;
/** A context shorter than this serves nobody: rather promise it, and let the operator decide. */
const LEAST_CAPACITY = 2048;

/**
 * Decides the size of the KV cache: as many slots as wanted, as long as the model allows and memory can hold.
 *
 * @throws {EngineError} model_invalid when more was asked for than the model was made for
 */
export function planKvCache(input: MemoryPlanInput): KvCacheSize {
  const { maxPositions, maxModelLength, maxBatchSize: slots } = input;
  if (maxModelLength !== undefined) {
    if (maxModelLength > maxPositions) {
      throw new EngineError(
        'model_invalid',
        `a context of ${maxModelLength} tokens was asked for, but the model was made for ${maxPositions}`,
      );
    }
    return { slots, capacity: maxModelLength };
  }
  const affordable = Math.floor((input.freeBytes * CACHE_SHARE) / (input.bytesPerToken * slots));
  return { slots, capacity: Math.min(maxPositions, Math.max(affordable, LEAST_CAPACITY)) };
}
