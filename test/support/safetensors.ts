import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readSafetensorsHeader } from '../../src/engine/weights/safetensors.js';

/** A tensor in memory. */
export interface Tensor {
  readonly dtype: 'F32' | 'F16' | 'BF16';
  readonly shape: readonly number[];
  readonly data: Buffer;
}

export function readTensors(folder: string): Map<string, Tensor> {
  const path = join(folder, 'model.safetensors');
  const file = readFileSync(path);
  return new Map(
    readSafetensorsHeader(path, path).map(({ name, dtype, shape, offset, length }) => [
      name,
      { dtype: dtype as Tensor['dtype'], shape, data: file.subarray(offset, offset + length) },
    ]),
  );
}

export function writeTensors(path: string, tensors: Iterable<readonly [string, Tensor]>): void {
  const header: Record<string, unknown> = {};
  const parts: Buffer[] = [];
  let offset = 0;
  for (const [name, { dtype, shape, data }] of tensors) {
    header[name] = { dtype, shape, data_offsets: [offset, offset + data.length] };
    parts.push(data);
    offset += data.length;
  }
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  writeFileSync(path, Buffer.concat([length, json, ...parts]));
}

/** A bfloat16 tensor as float16; exact for the values of a small random model, but for the tiniest. */
export function toFloat16({ shape, data }: Tensor): Tensor {
  const result = Buffer.alloc(data.length);
  for (let i = 0; i < data.length; i += 2) result.writeUInt16LE(halfOf(data.readUInt16LE(i)), i);
  return { dtype: 'F16', shape, data: result };
}

function halfOf(bfloat: number): number {
  const sign = bfloat & 0x8000;
  const exponent = ((bfloat >> 7) & 0xff) - 127 + 15;
  const mantissa = (bfloat & 0x7f) << 3;
  if (exponent >= 31) throw new RangeError('beyond float16');
  // Below the smallest normal number, the leading bit becomes a digit like the others.
  if (exponent <= 0) return exponent < -10 ? sign : sign | ((mantissa | 0x400) >> (1 - exponent));
  return sign | (exponent << 10) | mantissa;
}
