import type { QuantizedFormat } from './weight-plan.js';

/**
 * Quantizes weights, block by block: the weight of largest magnitude becomes the lowest whole number, exactly.
 *
 * @param weights whole blocks, one after the other
 * @param values bits / 8 bytes for each weight
 * @param scales one for each block
 */
export function quantize(
  weights: Float32Array,
  { bits, blockSize }: QuantizedFormat,
  values: Uint8Array,
  scales: Float32Array,
): void {
  if (bits === 4) quantizeInt4(weights, blockSize, values, scales);
  else quantizeInt8(weights, blockSize, values, scales);
}

function quantizeInt4(weights: Float32Array, blockSize: number, values: Uint8Array, scales: Float32Array): void {
  let out = 0;
  for (let block = 0; block < scales.length; block++) {
    const start = block * blockSize;
    const scale = extreme(weights, start, blockSize) / -8;
    scales[block] = scale;
    const inverse = scale === 0 ? 0 : 1 / scale;
    for (let i = start; i < start + blockSize; i += 2) {
      // Truncation after adding a half rounds; Math.round costs twice the time.
      let low = (weights[i] * inverse + 8.5) | 0;
      let high = (weights[i + 1] * inverse + 8.5) | 0;
      if (low > 15) low = 15;
      if (high > 15) high = 15;
      values[out++] = low | (high << 4);
    }
  }
}

function quantizeInt8(weights: Float32Array, blockSize: number, values: Uint8Array, scales: Float32Array): void {
  for (let block = 0; block < scales.length; block++) {
    const start = block * blockSize;
    const scale = extreme(weights, start, blockSize) / -128;
    scales[block] = scale;
    const inverse = scale === 0 ? 0 : 1 / scale;
    for (let i = start; i < start + blockSize; i++) {
      const value = (weights[i] * inverse + 128.5) | 0;
      values[i] = value > 255 ? 255 : value;
    }
  }
}

/** The value of largest magnitude, with its sign. */
function extreme(weights: Float32Array, start: number, length: number): number {
  let lowest = 0;
  let highest = 0;
  for (let i = start; i < start + length; i++) {
    const weight = weights[i];
    if (weight < lowest) lowest = weight;
    if (weight > highest) highest = weight;
  }
  return highest > -lowest ? highest : lowest;
}
