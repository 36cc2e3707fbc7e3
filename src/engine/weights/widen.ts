import type { DataType } from './data-type.js';

/** Every float16 as float32, by its bits; made when it is first needed. */
let halves: Float32Array | undefined;

/**
 * Widens weights to float32.
 *
 * @param bytes as they lie in the file, little-endian
 * @param out one number for each weight
 */
export function widen(bytes: Uint8Array, dtype: DataType, out: Float32Array): void {
  switch (dtype) {
    case 'F32':
      return new Uint8Array(out.buffer, out.byteOffset, out.byteLength).set(bytes);
    case 'BF16':
      return widenBfloat16(halfWords(bytes), new Uint32Array(out.buffer, out.byteOffset, out.length));
    case 'F16':
      return widenFloat16(halfWords(bytes), out, (halves ??= tableOfHalves()));
  }
}

function halfWords(bytes: Uint8Array): Uint16Array {
  return new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2);
}

/** A bfloat16 is the upper half of a float32. */
function widenBfloat16(words: Uint16Array, out: Uint32Array): void {
  for (let i = 0; i < words.length; i++) out[i] = words[i] << 16;
}

function widenFloat16(words: Uint16Array, out: Float32Array, table: Float32Array): void {
  for (let i = 0; i < words.length; i++) out[i] = table[words[i]];
}

function tableOfHalves(): Float32Array {
  return Float32Array.from({ length: 2 ** 16 }, (_, bits) => {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 0x1f;
    const fraction = bits & 0x3ff;
    if (exponent === 0x1f) return fraction ? NaN : sign * Infinity;
    return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 2 ** 10) * 2 ** (exponent - 15);
  });
}
