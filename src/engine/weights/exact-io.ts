import { readSync, writeSync } from 'node:fs';

/** Fills `bytes` from a position of a file. */
export function readExactly(file: number, bytes: Uint8Array, position: number): void {
  let done = 0;
  while (done < bytes.byteLength) {
    const count = readSync(file, bytes, done, bytes.byteLength - done, position + done);
    if (count === 0) throw new Error(`ends ${bytes.byteLength - done} bytes too early`);
    done += count;
  }
}

/** Writes all of `bytes` at a position of a file. */
export function writeExactly(file: number, bytes: Uint8Array, position: number): void {
  let done = 0;
  while (done < bytes.byteLength) done += writeSync(file, bytes, done, bytes.byteLength - done, position + done);
}
