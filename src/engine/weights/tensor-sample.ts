import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { CheckpointTensor } from './checkpoint.js';
import { readExactly } from './exact-io.js';

const SAMPLE_BYTES = 256;

/**
 * Some bytes from the middle of a tensor. Those of all tensors tell weights apart without reading them: models that were
 * fine-tuned from one have the same names and sizes.
 *
 * @param root the folder that locations count from
 * @throws when the file cannot be read
 */
export function sampleTensor(
  root: string,
  { location, offset, length }: Pick<CheckpointTensor, 'location' | 'offset' | 'length'>,
): Uint8Array {
  const sample = new Uint8Array(Math.min(SAMPLE_BYTES, length));
  const file = openSync(join(root, location), 'r');
  try {
    readExactly(file, sample, offset + Math.floor((length - sample.byteLength) / 2));
  } finally {
    closeSync(file);
  }
  return sample;
}
