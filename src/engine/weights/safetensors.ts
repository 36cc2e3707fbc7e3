import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { EngineError } from '../errors.js';
import { isJsonObject, isSize } from '../model/json.js';
import { bytesOfElement } from './data-type.js';

/** Where one tensor lies in its file. */
export interface TensorEntry {
  readonly name: string;
  /** As the header names it: F32, BF16, … */
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Bytes from the start of the file. */
  readonly offset: number;
  /** Bytes. */
  readonly length: number;
}

/** The limit of the reference implementation: a longer header is an attack, not a model. */
const MAX_HEADER_BYTES = 100_000_000;
/** No model has so many in one file. */
const MAX_TENSORS = 100_000;
const HEADER_LENGTH_BYTES = 8;

/**
 * Reads and checks the header of a safetensors file; the tensors' data is not touched.
 *
 * Layout: u64 little-endian header length, that many bytes of JSON, then the data; offsets in the header count from
 * the start of the data. Source: https://github.com/huggingface/safetensors#format
 *
 * @throws {EngineError} model_invalid, naming `label`, when anything does not add up: a header longer than the file,
 * offsets outside of it, a shape that is not the number of bytes, tensors that overlap, or bytes that none owns.
 */
export function readSafetensorsHeader(path: string, label: string): TensorEntry[] {
  const fail = (reason: string): never => {
    throw new EngineError('model_invalid', `${label}: ${reason}`);
  };
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    return fail(`cannot be opened (${(error as NodeJS.ErrnoException).code ?? String(error)})`);
  }
  try {
    const status = fstatSync(file);
    if (!status.isFile()) fail('is not a file');
    const { size } = status;
    if (size < HEADER_LENGTH_BYTES) fail(`is no safetensors file: ${size} bytes long`);
    const headerLength = Number(readExactly(file, 0, HEADER_LENGTH_BYTES, fail).readBigUInt64LE());
    const dataStart = HEADER_LENGTH_BYTES + headerLength;
    if (headerLength > MAX_HEADER_BYTES) fail(`its header claims ${headerLength} bytes, over the limit`);
    if (dataStart > size) fail(`its header claims ${headerLength} bytes, but the file has only ${size}`);
    const header = parseHeader(readExactly(file, HEADER_LENGTH_BYTES, headerLength, fail), fail);
    const { length: tensors } = Object.keys(header);
    if (tensors > MAX_TENSORS) fail(`its header has ${tensors} tensors, over the limit`);
    const entries = Object.entries(header)
      .filter(([name]) => name !== '__metadata__')
      .map(([name, value]) => toEntry(name, value, dataStart, size, fail));
    checkCoverage(entries, dataStart, size, fail);
    return entries;
  } finally {
    closeSync(file);
  }
}

type Fail = (reason: string) => never;

function readExactly(file: number, position: number, length: number, fail: Fail): Buffer {
  const buffer = Buffer.alloc(length);
  const read = readSync(file, buffer, 0, length, position);
  if (read !== length) fail(`ended after ${position + read} bytes while its header was read`);
  return buffer;
}

function parseHeader(bytes: Buffer, fail: Fail): Record<string, unknown> {
  let header: unknown;
  try {
    header = JSON.parse(bytes.toString('utf8'));
  } catch {
    return fail('its header is not JSON');
  }
  return isJsonObject(header) ? header : fail('its header is not a JSON object');
}

function toEntry(name: string, value: unknown, dataStart: number, fileSize: number, fail: Fail): TensorEntry {
  const { dtype, shape, data_offsets: offsets } = isJsonObject(value) ? value : {};
  const elementBytes = typeof dtype === 'string' ? bytesOfElement(dtype) : undefined;
  if (typeof dtype !== 'string' || elementBytes === undefined) {
    return fail(`tensor ${name} has the unknown type ${JSON.stringify(dtype)}`);
  }
  if (!Array.isArray(shape) || !shape.every(isSize)) return fail(`tensor ${name} has no valid shape`);
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isSize)) {
    return fail(`tensor ${name} has no valid data_offsets`);
  }
  const [begin, end] = offsets as [number, number];
  if (begin > end || dataStart + end > fileSize) {
    return fail(
      `tensor ${name} lies at bytes ${dataStart + begin} to ${dataStart + end}, but the file has ${fileSize}: is it cut off?`,
    );
  }
  const wanted = shape.reduce((product, size) => product * size, elementBytes);
  if (wanted !== end - begin) {
    return fail(
      `tensor ${name} of type ${dtype} and shape [${shape.join(', ')}] needs ${wanted} bytes, not ${end - begin}`,
    );
  }
  return { name, dtype, shape, offset: dataStart + begin, length: end - begin };
}

/** The format allows neither overlaps nor gaps: together the tensors are exactly the data. */
function checkCoverage(entries: readonly TensorEntry[], dataStart: number, fileSize: number, fail: Fail): void {
  let position = dataStart;
  for (const entry of [...entries].sort((a, b) => a.offset - b.offset || a.length - b.length)) {
    if (entry.offset < position) fail(`tensor ${entry.name} overlaps another`);
    if (entry.offset > position)
      fail(`${entry.offset - position} bytes before tensor ${entry.name} belong to no tensor`);
    position = entry.offset + entry.length;
  }
  if (position !== fileSize) fail(`${fileSize - position} bytes at its end belong to no tensor`);
}
