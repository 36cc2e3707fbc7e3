import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { GRAPH_REVISION } from '../graph/decoder-graph.js';
import type { QuantizationRecipe } from '../graph/quantization.js';
import { onnxRuntimeVersion } from '../ort/library.js';
import type { Checkpoint } from '../weights/checkpoint.js';
import { sampleTensor } from '../weights/tensor-sample.js';
import { readOptionalText } from './json.js';

/** What decides, beside the weights, which tokens a request is made of and how the next one is chosen. */
const SMALL_FILES = [
  'config.json',
  'generation_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'chat_template.jinja',
] as const;

/**
 * Stands for all that the answer to a request with a seed depends on: weights (every tensor's name, type and shape, and
 * some of its bytes), tokenizer and chat template, quantization and runtime. The same model in another folder, in shards
 * or with other times of change, has the same one.
 *
 * @returns 64 hexadecimal digits
 * @throws when a file cannot be read
 */
export function fingerprintOf(folder: string, checkpoint: Checkpoint, recipe: QuantizationRecipe | undefined): string {
  const { root } = checkpoint;
  const tensors = [...checkpoint.tensors.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  const shapes = tensors.map(({ name, dtype, shape }) => [name, dtype, shape]);
  const texts = SMALL_FILES.map((name) => readOptionalText(join(folder, name)) ?? null);
  const runtime = [GRAPH_REVISION, onnxRuntimeVersion(), process.platform, process.arch];
  const hash = createHash('sha256').update(JSON.stringify([shapes, texts, recipe ?? null, runtime]));
  for (const tensor of tensors) hash.update(sampleTensor(root, tensor));
  return hash.digest('hex');
}
