import { openCheckpoint } from '../../dist/engine/weights/checkpoint.js';

const HEAD = 'lm_head.weight';
const EMBEDDING = 'model.embed_tokens.weight';

/**
 * The least time of a decode step: the bytes of the weights that it reads, over what memory can deliver. A tied
 * embedding is read as the head; of one that is not tied, only a row is.
 *
 * @param bitsPerWeight as held in memory: 32 for float32, 4.5 for int4 with a float32 scale for each 64 weights
 */
export function decodeLimit(folder, bitsPerWeight, bandwidth) {
  const { tensors, parameters } = openCheckpoint(folder);
  const unread = tensors.has(HEAD) ? (tensors.get(EMBEDDING)?.shape.reduce((a, b) => a * b, 1) ?? 0) : 0;
  const bytes = ((parameters - unread) * bitsPerWeight) / 8;
  return { bytes, ms: (1000 * bytes) / bandwidth };
}

/** Bytes of the weights, were they all float32. */
export function floatBytes(folder) {
  return openCheckpoint(folder).parameters * Float32Array.BYTES_PER_ELEMENT;
}
