import { lstatSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, relative, sep } from 'node:path';
import { EngineError } from '../errors.js';

/**
 * Where a file of a model folder really lies. The folder is untrusted: a link may lead to another place in it or, in a
 * Hugging Face cache, to the blobs that belong to it, and nowhere else. A pipe, which would be read for ever, is no file.
 *
 * @returns undefined when there is no such file
 * @throws {EngineError} model_invalid, naming the file
 */
export function resolveFolderFile(path: string): string | undefined {
  const fail = (reason: string): never => {
    throw new EngineError('model_invalid', `${basename(path)}: ${reason}`);
  };
  try {
    if (!lstatSync(path, { throwIfNoEntry: false })) return undefined;
    const real = realpathSync(path);
    const folder = realpathSync(dirname(path));
    if (![folder, ...blobsOf(folder)].some((root) => isInside(root, real))) fail('is a link out of the model folder');
    if (!statSync(real).isFile()) fail('is not a file');
    return real;
  } catch (error) {
    if (error instanceof EngineError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOTDIR') return undefined;
    return fail(code === 'ENOENT' ? 'is a link that leads nowhere' : `cannot be opened (${code ?? String(error)})`);
  }
}

/** The cache of huggingface_hub: `snapshots/REVISION/FILE` is a link to `blobs/HASH`. */
function blobsOf(folder: string): string[] {
  const snapshots = dirname(folder);
  return basename(snapshots) === 'snapshots' ? [join(dirname(snapshots), 'blobs')] : [];
}

function isInside(root: string, path: string): boolean {
  const [first] = relative(root, path).split(sep);
  return first !== '..' && first !== '';
}
