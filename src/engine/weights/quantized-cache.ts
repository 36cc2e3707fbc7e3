import { createHash, randomUUID } from 'node:crypto';
import { closeSync, fstatSync, mkdirSync, openSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Checkpoint } from './checkpoint.js';
import { readExactly, writeExactly } from './exact-io.js';
import { sampleTensor } from './tensor-sample.js';
import { partsOf, type WeightPart, type WeightPlan } from './weight-plan.js';

/** To be raised when the same weights and format become other bytes. */
const VERSION = 1;
/** A file in the making that has not been touched for so long was left behind by a process that died. */
const ABANDONED_MS = 3_600_000;
/** Of any key: what a process left behind for a model that has changed since is looked for by nobody else. */
const TEMPORARY_NAME = /^[0-9a-f]{32}\.safetensors\.[0-9a-f-]{36}\.tmp$/;

/** Where the parts of weights lie in the data of a cache, in bytes, by their names: one after the other. */
export function cachePositions(plans: readonly WeightPlan[]): ReadonlyMap<string, number> {
  const positions = new Map<string, number>();
  let position = 0;
  for (const { name, bytes } of plans.flatMap(partsOf)) {
    positions.set(name, position);
    position += bytes;
  }
  return positions;
}

/**
 * A file that keeps quantized weights from one start to the next: a safetensors file whose tensors are the parts of the
 * weights, and a CRC-32 for each unit of work. It appears under its name only when it is complete, and its name and
 * header say what it was made of, so it is either right or not used.
 */
export class QuantizedCache {
  /** Position in the file that `cachePositions` count from. */
  readonly start: number;
  /** Int32 [units]. */
  readonly checksums: SharedArrayBuffer;
  private readonly path: string;
  private readonly temporary: string;
  private readonly header: Uint8Array;
  private readonly checksumsPosition: number;

  /**
   * @param folder need not exist
   * @param plans the quantized weights
   * @param units pieces of work that have a checksum
   */
  constructor(
    private readonly folder: string,
    checkpoint: Checkpoint,
    plans: readonly WeightPlan[],
    units: number,
  ) {
    const key = keyOf(checkpoint, plans);
    this.path = join(folder, `${key}.safetensors`);
    this.temporary = `${this.path}.${randomUUID()}.tmp`;
    this.checksums = new SharedArrayBuffer(units * Int32Array.BYTES_PER_ELEMENT);
    const parts = plans.flatMap(partsOf);
    this.header = headerOf(key, parts, units);
    this.start = this.header.byteLength;
    this.checksumsPosition = parts.reduce((position, { bytes }) => position + bytes, this.start);
  }

  /** @returns the file to read from, its checksums read already; undefined when there is none that fits */
  open(): string | undefined {
    if (statSync(this.path, { throwIfNoEntry: false })?.isFile() !== true) return undefined;
    const file = openSync(this.path, 'r');
    try {
      const header = new Uint8Array(this.header.byteLength);
      if (fstatSync(file).size !== this.checksumsPosition + this.checksums.byteLength) return undefined;
      readExactly(file, header, 0);
      readExactly(file, new Uint8Array(this.checksums), this.checksumsPosition);
      return Buffer.compare(header, this.header) === 0 ? this.path : undefined;
    } finally {
      closeSync(file);
    }
  }

  /** @returns the file to write to, which is not yet where it will be looked for */
  create(): string {
    mkdirSync(this.folder, { recursive: true });
    removeAbandoned(this.folder);
    const file = openSync(this.temporary, 'wx');
    try {
      writeExactly(file, this.header, 0);
    } catch (error) {
      this.discard();
      throw error;
    } finally {
      closeSync(file);
    }
    return this.temporary;
  }

  /**
   * Puts the file that was written where the next start looks for it. That need not wait for the disk: checksums tell
   * what a power failure left of it.
   */
  commit(): void {
    const file = openSync(this.temporary, 'r+');
    try {
      writeExactly(file, new Uint8Array(this.checksums), this.checksumsPosition);
    } finally {
      closeSync(file);
    }
    renameSync(this.temporary, this.path);
  }

  /** Removes what was written, if anything was. */
  discard(): void {
    rmSync(this.temporary, { force: true });
  }
}

function removeAbandoned(folder: string): void {
  for (const name of readdirSync(folder)) {
    if (!TEMPORARY_NAME.test(name)) continue;
    const path = join(folder, name);
    try {
      if (Date.now() - statSync(path).mtimeMs > ABANDONED_MS) rmSync(path);
    } catch {
      // It is gone already, or belongs to another user of the folder, who will remove it.
    }
  }
}

/**
 * What was quantized, and how: tensors by place, formats, files by size and time of change, and some bytes from the
 * middle of each tensor. Models that were fine-tuned from one have the same sizes, and where images are built
 * reproducibly all files have the same times.
 *
 * @throws when a file cannot be read
 */
function keyOf({ root }: Checkpoint, plans: readonly WeightPlan[]): string {
  const hash = createHash('sha256').update(JSON.stringify([VERSION, plans]));
  const sources = plans.flatMap((plan) => plan.sources);
  for (const location of [...new Set(sources.map((source) => source.location))].sort()) {
    const { size, mtimeMs } = statSync(join(root, location));
    hash.update(JSON.stringify([location, size, mtimeMs]));
  }
  for (const source of sources) hash.update(sampleTensor(root, source));
  return hash.digest('hex').slice(0, 32);
}

/** Source of the format: https://github.com/huggingface/safetensors#format */
function headerOf(key: string, parts: readonly WeightPart[], units: number): Uint8Array {
  const TYPES = { uint8: 'U8', float32: 'F32' } as const;
  const entries: Record<string, unknown> = { __metadata__: { key } };
  let offset = 0;
  const add = (name: string, dtype: string, shape: readonly number[], bytes: number): void => {
    entries[name] = { dtype, shape, data_offsets: [offset, offset + bytes] };
    offset += bytes;
  };
  for (const { name, type, shape, bytes } of parts) add(name, TYPES[type], shape, bytes);
  add('checksums', 'I32', [units], units * Int32Array.BYTES_PER_ELEMENT);
  const json = Buffer.from(JSON.stringify(entries));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.byteLength));
  return Buffer.concat([length, json]);
}
