import { writeFileSync } from 'node:fs';

/** A safetensors file from its parts; the header is written as it is when it is a string. */
export function safetensors(header: unknown, dataBytes: number): Buffer {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, Buffer.alloc(dataBytes)]);
}

/** A sound file of F32 tensors of the given shapes, one after the other. */
export function writeSafetensors(path: string, shapes: Readonly<Record<string, readonly number[]>>): void {
  let end = 0;
  const header = Object.entries(shapes).map(([name, shape]) => {
    const begin = end;
    end += 4 * shape.reduce((product, size) => product * size, 1);
    return [name, { dtype: 'F32', shape, data_offsets: [begin, end] }] as const;
  });
  writeFileSync(path, safetensors(Object.fromEntries(header), end));
}
