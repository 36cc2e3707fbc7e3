import { createHash } from 'node:crypto';
import type { ModelInfo } from '../inference/inference-provider.js';
import { version } from '../version.js';

/** Thrown for a model that is not served. */
export class ModelNotFoundError extends Error {
  override readonly name = 'ModelNotFoundError';

  constructor(id: string, served: string) {
    super(`The model ${JSON.stringify(id.slice(0, 200))} does not exist: this server has ${JSON.stringify(served)}`);
  }
}

/**
 * What clients send who know an address and no model: `huggingface_hub` says "dummy", @huggingface/inference the address
 * itself, and the examples of text-generation-inference "tgi".
 */
const NO_MODEL = /^(|dummy|tgi|https?:\/\/.*)$/s;

/**
 * A name that is not the model's would be a silent surprise to answer.
 *
 * @throws {ModelNotFoundError}
 */
export function checkModel(name: string | undefined, { id }: ModelInfo): void {
  if (name !== undefined && name !== id && !NO_MODEL.test(name)) throw new ModelNotFoundError(name, id);
}

/** Changes with whatever could change the answer to the same request with the same seed: the model, and this program. */
export function fingerprintOf({ fingerprint }: ModelInfo): string {
  const hash = createHash('sha256').update(JSON.stringify([version, fingerprint]));
  return `fp_${hash.digest('hex').slice(0, 12)}`;
}
