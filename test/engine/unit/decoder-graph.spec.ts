import { readDecoderSpec } from '../../../src/engine/graph/architectures/index.js';
import { buildDecoderGraph, type DecoderGraph } from '../../../src/engine/graph/decoder-graph.js';
import type { QuantizationRecipe } from '../../../src/engine/graph/quantization.js';
import type { Checkpoint, CheckpointTensor } from '../../../src/engine/weights/checkpoint.js';
import { partsOf } from '../../../src/engine/weights/weight-plan.js';
import { engineErrorOf } from './support/engine-error.js';
import { type OnnxModel, readOnnx } from './support/onnx-reader.js';

const CAPACITY = 32;
const CONFIG = {
  architectures: ['LlamaForCausalLM'],
  hidden_size: 8,
  intermediate_size: 12,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 6,
  num_hidden_layers: 2,
  vocab_size: 16,
};
const SHAPES: Readonly<Record<string, readonly number[]>> = {
  'model.embed_tokens.weight': [16, 8],
  ...layer(0),
  ...layer(1),
  'model.norm.weight': [8],
  'lm_head.weight': [16, 8],
};
const BIASES = {
  'model.layers.0.self_attn.q_proj.bias': [24],
  'model.layers.0.self_attn.k_proj.bias': [12],
  'model.layers.0.self_attn.v_proj.bias': [12],
  'model.layers.0.self_attn.o_proj.bias': [8],
};

function layer(index: number, hidden = 8, intermediate = 12): Record<string, readonly number[]> {
  const name = `model.layers.${index}`;
  return {
    [`${name}.input_layernorm.weight`]: [hidden],
    [`${name}.self_attn.q_proj.weight`]: [24, hidden],
    [`${name}.self_attn.k_proj.weight`]: [12, hidden],
    [`${name}.self_attn.v_proj.weight`]: [12, hidden],
    [`${name}.self_attn.o_proj.weight`]: [hidden, 24],
    [`${name}.post_attention_layernorm.weight`]: [hidden],
    [`${name}.mlp.gate_proj.weight`]: [intermediate, hidden],
    [`${name}.mlp.up_proj.weight`]: [intermediate, hidden],
    [`${name}.mlp.down_proj.weight`]: [hidden, intermediate],
  };
}

/** Tensors of the given shapes, one after the other in a file. */
function checkpointOf(
  shapes: Readonly<Record<string, readonly number[] | undefined>>,
  dtypes: Readonly<Record<string, string>> = {},
): Checkpoint {
  const tensors = new Map<string, CheckpointTensor>();
  let offset = 64;
  for (const [name, shape] of Object.entries(shapes)) {
    if (!shape) continue;
    const length = 2 * shape.reduce((product, size) => product * size, 1);
    tensors.set(name, { name, dtype: dtypes[name] ?? 'BF16', shape, location: 'sub/weights', offset, length });
    offset += length;
  }
  return { root: '/weights', tensors, parameters: 0, bytes: 0 };
}

function build(
  checkpoint: Checkpoint,
  config: Record<string, unknown> = {},
  recipe?: QuantizationRecipe,
): DecoderGraph {
  return buildDecoderGraph(readDecoderSpec({ ...CONFIG, ...config }), checkpoint, CAPACITY, recipe);
}

function buildOnnx(checkpoint: Checkpoint, config: Record<string, unknown> = {}): OnnxModel {
  return readOnnx(build(checkpoint, config).model);
}

function attentionOf({ nodes }: OnnxModel) {
  return nodes.filter(({ operator }) => operator === 'GroupQueryAttention');
}

/** Initializers that stay in the checkpoint's file. */
function mappedOf({ initializers }: OnnxModel): string[] {
  return [...initializers].flatMap(([name, { external }]) => (external.length === undefined ? [] : [name]));
}

/** Tensors of the checkpoint that are made into supplied weights. */
function sourcesOf({ weights }: DecoderGraph): string[] {
  return weights.flatMap(({ sources }) => sources.map(({ name }) => name));
}

describe('the graph of a decoder', () => {
  it('uses every tensor of the checkpoint once', () => {
    const checkpoint = checkpointOf(SHAPES, { 'model.norm.weight': 'F32', 'lm_head.weight': 'F16' });
    const { model, weights } = build(checkpoint);
    const used = [...weights.flatMap(({ sources }) => sources.map(({ name }) => name)), ...mappedOf(readOnnx(model))];
    expect(used.sort()).toEqual(Object.keys(SHAPES).sort());
  });

  it('leaves the embedding where it lies, in its own type', () => {
    const checkpoint = checkpointOf(SHAPES, { 'model.embed_tokens.weight': 'F16' });
    const { offset, length } = checkpoint.tensors.get('model.embed_tokens.weight') as CheckpointTensor;
    expect(buildOnnx(checkpoint).initializers.get('model.embed_tokens.weight')).toEqual({
      type: 10,
      shape: [16, 8],
      external: { location: 'sub/weights', offset: String(offset), length: String(length) },
      rawBytes: 0,
    });
  });

  it('stacks projections of the same input into one matrix', () => {
    const weights = new Map(build(checkpointOf(SHAPES)).weights.map((plan) => [plan.name, plan]));
    const name = 'model.layers.1';
    const sourcesOf = (weight: string) => weights.get(`${name}.${weight}`)?.sources.map((source) => source.name);
    expect(weights.get(`${name}.self_attn.qkv_proj.weight`)?.shape).toEqual([48, 8]);
    expect(sourcesOf('self_attn.qkv_proj.weight')).toEqual(
      ['q', 'k', 'v'].map((part) => `${name}.self_attn.${part}_proj.weight`),
    );
    expect(weights.get(`${name}.mlp.gate_up_proj.weight`)?.shape).toEqual([24, 8]);
    expect(sourcesOf('mlp.gate_up_proj.weight')).toEqual(
      ['gate', 'up'].map((part) => `${name}.mlp.${part}_proj.weight`),
    );
  });

  it('declares what is supplied as the session is given it, quantized where blocks fit', () => {
    const recipe: QuantizationRecipe = { layers: { bits: 4, blockSize: 64 }, head: { bits: 8, blockSize: 16 } };
    const shapes = { ...layer(0, 32, 48), 'model.embed_tokens.weight': [16, 32], 'model.norm.weight': [32] };
    const config = { hidden_size: 32, intermediate_size: 48, num_hidden_layers: 1, tie_word_embeddings: true };
    const { model, weights } = build(checkpointOf(shapes), config, recipe);
    const formats = weights
      .filter(({ shape }) => shape.length === 2)
      .map(({ shape: [, columns], format }) => [columns, format]);
    expect(formats).toEqual([
      [32, { bits: 4, blockSize: 32 }],
      [24, 'float32'],
      [32, { bits: 4, blockSize: 32 }],
      [48, { bits: 4, blockSize: 16 }],
      [32, { bits: 8, blockSize: 16 }],
    ]);
    const { initializers, nodes } = readOnnx(model);
    const products = nodes.filter(({ operator }) => operator === 'MatMulNBits');
    expect(
      products.map(({ attributes }) => [attributes.K, attributes.N, attributes.bits, attributes.block_size]),
    ).toEqual([
      [32, 48, 4, 32],
      [32, 96, 4, 32],
      [48, 32, 4, 16],
      [32, 16, 8, 16],
    ]);
    const types = { float32: 1, uint8: 2 } as const;
    for (const { name, type, shape } of weights.flatMap(partsOf)) {
      expect([name, initializers.get(name)]).toMatchObject([
        name,
        { type: types[type], shape, rawBytes: 0, external: { location: 'sub/weights' } },
      ]);
    }
  });

  it('keeps keys and values of as many positions as the cache holds, in and out', () => {
    const { inputs, outputs } = buildOnnx(checkpointOf(SHAPES));
    const shape = ['batch', 2, CAPACITY, 6];
    for (const kind of ['key', 'value']) {
      for (const index of [0, 1]) {
        expect(inputs.get(`past_key_values.${index}.${kind}`)).toEqual(shape);
        expect(outputs.get(`present.${index}.${kind}`)).toEqual(shape);
      }
    }
  });

  it('has rotary tables of as many positions as the cache holds', () => {
    const { initializers } = buildOnnx(checkpointOf(SHAPES));
    for (const name of ['cos_cache', 'sin_cache']) {
      expect(initializers.get(name)).toMatchObject({ shape: [CAPACITY, 3], rawBytes: CAPACITY * 3 * 4 });
    }
  });

  it('gives logits over the vocabulary for the wanted rows', () => {
    const { inputs, outputs } = buildOnnx(checkpointOf(SHAPES));
    expect(inputs.get('logits_rows')).toEqual(['rows']);
    expect(outputs.get('logits')).toEqual(['rows', 16]);
  });

  it('lets every node read only what is there', () => {
    const { nodes, initializers, inputs, outputs } = buildOnnx(checkpointOf(SHAPES));
    const known = new Set(['', ...initializers.keys(), ...inputs.keys()]);
    for (const node of nodes) {
      for (const input of node.inputs) expect(known).toContain(input);
      for (const output of node.outputs) known.add(output);
    }
    for (const output of outputs.keys()) expect(known).toContain(output);
  });

  it('names no value twice', () => {
    const { nodes, initializers, inputs } = buildOnnx(checkpointOf(SHAPES));
    const outputs = nodes.flatMap((node) => node.outputs.filter((name) => name !== ''));
    const names = [...initializers.keys(), ...inputs.keys(), ...outputs];
    expect(new Set(names).size).toBe(names.length);
  });

  it('attends with as many heads as config.json says', () => {
    const attention = attentionOf(buildOnnx(checkpointOf(SHAPES)));
    expect(attention).toHaveLength(2);
    for (const { attributes } of attention) expect(attributes).toMatchObject({ num_heads: 4, kv_num_heads: 2 });
  });

  it('scales queries by their weights and biases, and not the scores', () => {
    const checkpoint = checkpointOf({ ...SHAPES, ...BIASES });
    const { model, weights } = build(checkpoint, { num_hidden_layers: 1, attention_bias: true });
    for (const { attributes } of attentionOf(readOnnx(model))) expect(attributes.scale).toBe(1);
    const factors = weights.flatMap(({ sources }) => sources.map(({ name, factor = 1 }) => [name, factor] as const));
    expect(factors.filter(([, factor]) => factor !== 1)).toEqual(
      ['weight', 'bias'].map((kind) => [`model.layers.0.self_attn.q_proj.${kind}`, 1 / Math.sqrt(6)]),
    );
  });

  it('computes only keys and values of unwanted rows in the last layer', () => {
    const { nodes } = buildOnnx(checkpointOf(SHAPES));
    const place = (operator: string, input: string): number =>
      nodes.findIndex((node) => node.operator === operator && node.inputs.includes(input));
    const chosen = nodes.flatMap((node, i) => (node.inputs.includes('logits_rows') ? i : []));
    expect(chosen).toHaveLength(2);
    expect(Math.min(...chosen)).toBeGreaterThan(place('GroupQueryAttention', 'past_key_values.1.key'));
    expect(Math.max(...chosen)).toBeLessThan(place('FusedMatMul', 'model.layers.1.self_attn.o_proj.weight'));
  });

  it('rotates queries and keys only in the layers that have rotary embeddings', () => {
    const config = { architectures: ['SmolLM3ForCausalLM'], no_rope_layers: [0, 1] };
    const attention = attentionOf(buildOnnx(checkpointOf(SHAPES), config));
    expect(attention.map(({ attributes }) => attributes.do_rotary)).toEqual([0, 1]);
    expect(attention.map(({ inputs }) => inputs.includes('cos_cache'))).toEqual([false, true]);
  });

  it('has no rotary tables when no layer has rotary embeddings', () => {
    const config = { architectures: ['SmolLM3ForCausalLM'], no_rope_layers: [0, 0] };
    expect(buildOnnx(checkpointOf(SHAPES), config).initializers.has('cos_cache')).toBe(false);
  });

  it('adds a bias where config.json says so', () => {
    const checkpoint = checkpointOf({ ...SHAPES, ...BIASES });
    const graph = build(checkpoint, { num_hidden_layers: 1, attention_bias: true });
    expect(sourcesOf(graph)).toEqual(expect.arrayContaining(Object.keys(BIASES)));
  });
});

describe('a checkpoint that does not fit config.json', () => {
  it.each(Object.keys(SHAPES))('is invalid when it lacks %s, which the error names', (name) => {
    const { code, message } = engineErrorOf(() => build(checkpointOf({ ...SHAPES, [name]: undefined })));
    expect(code).toBe('model_invalid');
    expect(message).toContain(`lack tensor ${name}`);
  });

  it.each(Object.keys(SHAPES))('is invalid when %s has another size, of which the error names both', (name) => {
    const shape = [...SHAPES[name].slice(0, -1), 999];
    const { code, message } = engineErrorOf(() => build(checkpointOf({ ...SHAPES, [name]: shape })));
    expect(code).toBe('model_invalid');
    expect(message).toContain('sub/weights');
    expect(message).toContain(`tensor ${name} has shape [${shape.join(', ')}]`);
    expect(message).toContain(`[${SHAPES[name].join(', ')}]`);
  });

  it.each([
    ['transposed', 'model.layers.0.mlp.up_proj.weight', [8, 12]],
    ['flat', 'model.layers.0.mlp.up_proj.weight', [96]],
    ['of too many dimensions', 'model.norm.weight', [8, 1]],
    ['a scalar', 'model.norm.weight', []],
  ])('is invalid when a tensor is %s', (_, name, shape) => {
    const { code, message } = engineErrorOf(() => build(checkpointOf({ ...SHAPES, [name]: shape })));
    expect(code).toBe('model_invalid');
    expect(message).toContain(name);
  });

  it.each(Object.keys(BIASES))('is invalid when it lacks %s and config.json says that there is a bias', (name) => {
    const checkpoint = checkpointOf({ ...SHAPES, ...BIASES, [name]: undefined });
    const config = { num_hidden_layers: 1, attention_bias: true };
    expect(engineErrorOf(() => build(checkpoint, config)).message).toContain(name);
  });

  it.each(['F8_E4M3', 'I8', 'U8', 'I32', 'F64', 'BOOL'])(
    'is unsupported when a weight has the type %s, which is no plain weight',
    (dtype) => {
      const name = 'model.layers.1.mlp.down_proj.weight';
      const { code, message } = engineErrorOf(() => build(checkpointOf(SHAPES, { [name]: dtype })));
      expect(code).toBe('model_unsupported');
      expect(message).toContain(name);
      expect(message).toContain(`type ${dtype}`);
    },
  );
});

describe('tensors of the checkpoint that the graph does not use', () => {
  it('are none when everything has its place', () => {
    expect(build(checkpointOf(SHAPES)).unusedTensors).toEqual([]);
  });

  it('are listed', () => {
    const extra = { 'model.layers.0.self_attn.q_norm.weight': [6], 'vision.weight': [1] };
    expect(build(checkpointOf({ ...SHAPES, ...extra })).unusedTensors).toEqual(Object.keys(extra));
  });

  it('include layers beyond those of config.json', () => {
    const unused = build(checkpointOf(SHAPES), { num_hidden_layers: 1 }).unusedTensors;
    expect(unused).toEqual(Object.keys(layer(1)));
  });

  it('include biases that config.json does not know of', () => {
    expect(build(checkpointOf({ ...SHAPES, ...BIASES })).unusedTensors).toEqual(Object.keys(BIASES));
  });

  it('do not include rotary frequencies, which are computed', () => {
    const name = 'model.layers.0.self_attn.rotary_emb.inv_freq';
    expect(build(checkpointOf({ ...SHAPES, [name]: [3] })).unusedTensors).toEqual([]);
  });

  it('may have a type that the graph could not use', () => {
    const checkpoint = checkpointOf({ ...SHAPES, extra: [1] }, { extra: 'I8' });
    expect(build(checkpoint).unusedTensors).toEqual(['extra']);
  });
});

describe('a head that is tied to the embeddings', () => {
  const tied = { tie_word_embeddings: true };

  it('needs no tensor of its own', () => {
    const graph = build(checkpointOf({ ...SHAPES, 'lm_head.weight': undefined }), tied);
    expect(graph.weights.at(-1)?.sources.map(({ name }) => name)).toEqual(['model.embed_tokens.weight']);
    expect(readOnnx(graph.model).outputs.has('logits')).toBe(true);
  });

  it('does not use a copy that the checkpoint has nevertheless, and does not report it', () => {
    const graph = build(checkpointOf(SHAPES), tied);
    expect(sourcesOf(graph)).not.toContain('lm_head.weight');
    expect(graph.unusedTensors).toEqual([]);
  });

  it('is none when config.json says so: lm_head is then read', () => {
    expect(sourcesOf(build(checkpointOf(SHAPES)))).toContain('lm_head.weight');
  });
});
