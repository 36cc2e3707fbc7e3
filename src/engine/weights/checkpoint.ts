import { existsSync, lstatSync, readdirSync } from 'node:fs';
import { basename, dirname, join, relative, sep } from 'node:path';
import { EngineError } from '../errors.js';
import { resolveFolderFile } from '../model/folder-file.js';
import { isJsonObject, readOptionalJsonObject } from '../model/json.js';
import { readSafetensorsHeader, type TensorEntry } from './safetensors.js';

const SINGLE_FILE = 'model.safetensors';
const INDEX_FILE = 'model.safetensors.index.json';

/** A tensor and the file that holds it. */
export interface CheckpointTensor extends TensorEntry {
  /** The file, relative to the checkpoint's `root`, with forward slashes. */
  readonly location: string;
}

/** The weights of a model folder, as they lie on disk: nothing but headers has been read. */
export interface Checkpoint {
  /**
   * The folder that `location`s count from: where the files really are. In a Hugging Face cache the model folder holds
   * only links into `../../blobs`, and ONNX Runtime refuses external data that leaves the folder it was given.
   */
  readonly root: string;
  readonly tensors: ReadonlyMap<string, CheckpointTensor>;
  /** Elements of all tensors together. */
  readonly parameters: number;
  /** Bytes of all tensors together. */
  readonly bytes: number;
}

/**
 * Finds the safetensors files of a model folder (one file, or shards with an index) and reads their headers.
 *
 * @throws {EngineError} model_invalid, naming the file, when there are no weights, or a file or the index is unsound.
 */
export function openCheckpoint(folder: string): Checkpoint {
  // The single file first, as transformers does.
  const single = lstatSync(join(folder, SINGLE_FILE), { throwIfNoEntry: false }) !== undefined;
  const index = single ? undefined : readOptionalJsonObject(join(folder, INDEX_FILE));
  const weightMap = index && readWeightMap(index);
  const files = weightMap ? [...new Set(weightMap.values())].sort() : [SINGLE_FILE];
  if (weightMap) refuseExtraShards(folder, files);
  const paths = files.map((file) => resolveFile(folder, file, weightMap !== undefined));
  const root = commonFolder(paths);

  const tensors = new Map<string, CheckpointTensor>();
  files.forEach((file, i) => {
    const location = relative(root, paths[i]).split(sep).join('/');
    for (const entry of readSafetensorsHeader(paths[i], file)) {
      const owner = weightMap ? weightMap.get(entry.name) : file;
      if (owner !== file) {
        throw new EngineError(
          'model_invalid',
          `${file}: holds tensor ${entry.name}, which ${INDEX_FILE} ${owner ? `places in ${owner}` : 'does not list'}`,
        );
      }
      tensors.set(entry.name, { ...entry, location });
    }
  });
  for (const [name, file] of weightMap ?? []) {
    if (!tensors.has(name))
      throw new EngineError('model_invalid', `${file}: lacks tensor ${name}, which ${INDEX_FILE} places there`);
  }
  return { root, tensors, ...totals(tensors.values()) };
}

/** A shard that the index does not know is of another checkpoint, or the index is: either way something is wrong. */
function refuseExtraShards(folder: string, files: readonly string[]): void {
  const extra = readdirSync(folder).find(
    (name) => /^model-\d+-of-\d+\.safetensors$/.test(name) && !files.includes(name),
  );
  if (extra) throw new EngineError('model_invalid', `${extra}: is a shard that ${INDEX_FILE} does not list`);
}

function totals(tensors: Iterable<CheckpointTensor>): Pick<Checkpoint, 'parameters' | 'bytes'> {
  let parameters = 0;
  let bytes = 0;
  for (const { shape, length } of tensors) {
    parameters += shape.reduce((product, size) => product * size, 1);
    bytes += length;
  }
  return { parameters, bytes };
}

function readWeightMap(index: Record<string, unknown>): Map<string, string> {
  const { weight_map: weightMap } = index;
  if (!isJsonObject(weightMap) || Object.keys(weightMap).length === 0) {
    throw new EngineError('model_invalid', `${INDEX_FILE}: has no weight_map`);
  }
  return new Map(
    Object.entries(weightMap).map(([name, file]) => {
      // A plain file name only: the index is untrusted and must not lead out of the folder.
      if (
        typeof file !== 'string' ||
        file === '' ||
        file !== basename(file) ||
        file.includes('\\') ||
        /^\.+$/.test(file)
      ) {
        throw new EngineError(
          'model_invalid',
          `${INDEX_FILE}: tensor ${name} names ${JSON.stringify(file)}, which is no file of the folder`,
        );
      }
      return [name, file];
    }),
  );
}

function resolveFile(folder: string, file: string, indexed: boolean): string {
  const path = resolveFolderFile(join(folder, file));
  if (path !== undefined) return path;
  throw new EngineError(
    'model_invalid',
    indexed ? `${file}: not found, but ${INDEX_FILE} lists it` : describeMissing(folder),
  );
}

/** Says what is there instead, since the usual reason is a checkpoint in another format. */
function describeMissing(folder: string): string {
  const names = existsSync(folder) ? readdirSync(folder) : [];
  const pickled = names.find((name) => /\.(bin|pt|pth|ckpt)$/.test(name));
  const shard = names.find((name) => name.endsWith('.safetensors'));
  if (shard) return `${INDEX_FILE}: not found, though there is ${shard}`;
  if (pickled)
    return `${SINGLE_FILE}: not found; ${pickled} is a pickle, which is not loaded: save the model as safetensors`;
  return `${SINGLE_FILE}: not found in the model folder`;
}

function commonFolder(paths: readonly string[]): string {
  let common = dirname(paths[0]);
  for (const path of paths) {
    while (relative(common, path).split(sep)[0] === '..') common = dirname(common);
  }
  return common;
}
