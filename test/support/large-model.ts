import { cpSync, openSync, closeSync, ftruncateSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { Seeded } from '../engine/unit/support/seeded.js';
import { fixture } from './folders.js';

const CONFIG = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  num_attention_heads: 16,
  num_key_value_heads: 8,
  max_position_embeddings: 2048,
  tie_word_embeddings: true,
  eos_token_id: 4,
};

/**
 * Writes a model, of 16 M parameters a layer if not told otherwise, in bfloat16: large enough that its load and a long
 * prompt take a while. All of it is zero, and the file sparse, unless it is to be of random numbers: ONNX Runtime keeps weights that
 * are alike only once.
 */
export function writeLargeModel(
  folder: string,
  { layers = 8, hidden = 1024, vocabulary = 512, random = false } = {},
): void {
  const inner = 4 * hidden;
  const shapes: Record<string, number[]> = {
    'model.embed_tokens.weight': [vocabulary, hidden],
    'model.norm.weight': [hidden],
  };
  for (let layer = 0; layer < layers; layer++) {
    const prefix = `model.layers.${layer}`;
    Object.assign(shapes, {
      [`${prefix}.input_layernorm.weight`]: [hidden],
      [`${prefix}.post_attention_layernorm.weight`]: [hidden],
      [`${prefix}.self_attn.q_proj.weight`]: [hidden, hidden],
      [`${prefix}.self_attn.k_proj.weight`]: [hidden / 2, hidden],
      [`${prefix}.self_attn.v_proj.weight`]: [hidden / 2, hidden],
      [`${prefix}.self_attn.o_proj.weight`]: [hidden, hidden],
      [`${prefix}.mlp.gate_proj.weight`]: [inner, hidden],
      [`${prefix}.mlp.up_proj.weight`]: [inner, hidden],
      [`${prefix}.mlp.down_proj.weight`]: [hidden, inner],
    });
  }
  let offset = 0;
  const header: Record<string, unknown> = {};
  for (const [name, shape] of Object.entries(shapes)) {
    const end = offset + shape.reduce((product, size) => product * size, 2);
    header[name] = { dtype: 'BF16', shape, data_offsets: [offset, end] };
    offset = end;
  }
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  const file = openSync(join(folder, 'model.safetensors'), 'w');
  writeSync(file, Buffer.concat([length, json]));
  ftruncateSync(file, length.length + json.length + offset);
  if (random) writeNumbers(file, length.length + json.length, offset);
  closeSync(file);
  writeFileSync(
    join(folder, 'config.json'),
    JSON.stringify({
      ...CONFIG,
      num_hidden_layers: layers,
      hidden_size: hidden,
      intermediate_size: inner,
      vocab_size: vocabulary,
    }),
  );
  for (const name of ['tokenizer.json', 'tokenizer_config.json'])
    cpSync(join(fixture('llama'), name), join(folder, name));
}

function writeNumbers(file: number, begin: number, bytes: number): void {
  const seeded = new Seeded(1);
  const numbers = Uint16Array.from({ length: 99_991 }, () => seeded.integer(0x3c00, 0x3d00));
  for (let written = 0; written < bytes;) {
    written += writeSync(file, numbers, 0, Math.min(numbers.byteLength, bytes - written), begin + written);
  }
}
