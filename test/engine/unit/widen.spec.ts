import { widen } from '../../../src/engine/weights/widen.js';

/** The words as a file has them, in memory that is aligned as a file's buffer is. */
function bytesOf(words: Uint16Array): Uint8Array {
  return new Uint8Array(words.buffer);
}

function widened(bytes: Uint8Array, dtype: Parameters<typeof widen>[1], count: number): Float32Array {
  const out = new Float32Array(count).fill(NaN);
  widen(bytes, dtype, out);
  return out;
}

const everyWord = Uint16Array.from({ length: 2 ** 16 }, (_, bits) => bits);

/** By its definition in IEEE 754: sign, 5 bits of exponent, 10 bits of fraction. */
function half(bits: number): number {
  const digits = bits.toString(2).padStart(16, '0');
  const sign = digits.startsWith('1') ? -1 : 1;
  const exponent = parseInt(digits.slice(1, 6), 2);
  const fraction = parseInt(digits.slice(6), 2) / 1024;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return exponent === 0 ? sign * fraction * 2 ** -14 : sign * (1 + fraction) * 2 ** (exponent - 15);
}

describe('widening', () => {
  it('takes every float16 for what it is: zeros, subnormal ones, infinities and what is no number', () => {
    const out = widened(bytesOf(everyWord), 'F16', 2 ** 16);
    const wrong = [...everyWord].filter((bits) => !Object.is(out[bits], half(bits)));
    expect(wrong).toEqual([]);
    expect([out[0x0001], out[0x03ff], out[0x0400], out[0x3c00], out[0x7bff], out[0xfc00]]).toEqual([
      2 ** -24,
      2 ** -14 - 2 ** -24,
      2 ** -14,
      1,
      65504,
      -Infinity,
    ]);
  });

  it('takes every bfloat16 for the upper half of a float32', () => {
    const out = widened(bytesOf(everyWord), 'BF16', 2 ** 16);
    // By their bits: a session that computes in this thread makes it read subnormal numbers as zero.
    const words = new Uint32Array(out.buffer);
    expect([...everyWord].filter((bits) => words[bits] !== bits * 2 ** 16)).toEqual([]);
    expect([out[0x3f80], out[0xc000], out[0x7f80]]).toEqual([1, -2, Infinity]);
    expect(out[0x7fc1]).toBeNaN();
  });

  it('leaves float32 as it is, bit by bit', () => {
    const words = Uint32Array.of(0, 0x80000000, 1, 0x7f7fffff, 0x7f800000, 0xff800001, 0x3f800000);
    const out = widened(new Uint8Array(words.buffer), 'F32', words.length);
    expect(new Uint32Array(out.buffer)).toEqual(words);
  });

  it('writes no more than it was given room for', () => {
    const memory = new Float32Array(8).fill(7);
    widen(bytesOf(Uint16Array.of(0x3f80, 0x4000)), 'BF16', memory.subarray(3, 5));
    expect([...memory]).toEqual([7, 7, 7, 1, 2, 7, 7, 7]);
  });
});
