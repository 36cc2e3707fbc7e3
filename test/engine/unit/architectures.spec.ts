import { join } from 'node:path';
import { readDecoderSpec } from '../../../src/engine/graph/architectures/index.js';
import { type DecoderSpec, kvBytesPerToken } from '../../../src/engine/graph/decoder-spec.js';
import { fixture, readJson } from '../../support/folders.js';
import { engineErrorOf } from './support/engine-error.js';

type Json = Record<string, unknown>;

const LLAMA: Json = {
  architectures: ['LlamaForCausalLM'],
  hidden_size: 64,
  intermediate_size: 176,
  num_attention_heads: 4,
  num_hidden_layers: 8,
  vocab_size: 512,
};
const SMOLLM3: Json = { ...LLAMA, architectures: ['SmolLM3ForCausalLM'] };

function expectError(config: Json, code: string, ...parts: (string | RegExp)[]): void {
  const error = engineErrorOf(() => readDecoderSpec(config));
  expect(error.code).toBe(code);
  for (const part of parts) expect(error.message).toMatch(part);
}

function rotaryLayers({ layers }: DecoderSpec): boolean[] {
  return layers.map(({ rotary }) => rotary);
}

describe('the config.json of a Llama', () => {
  it('becomes the numbers of a decoder', () => {
    expect(readDecoderSpec(readJson(join(fixture('llama'), 'config.json')) as Json)).toMatchObject({
      architecture: 'LlamaForCausalLM',
      vocabSize: 512,
      hiddenSize: 64,
      intermediateSize: 176,
      heads: 4,
      kvHeads: 2,
      headDim: 16,
      normEpsilon: 1e-6,
      maxPositions: 2048,
      rope: {
        type: 'llama3',
        theta: 500_000,
        factor: 8,
        lowFrequencyFactor: 1,
        highFrequencyFactor: 4,
        originalMaxPositions: 256,
      },
      layers: [{ rotary: true }, { rotary: true }, { rotary: true }],
      tiedEmbeddings: false,
      bias: { qkv: false, attentionOutput: false, mlp: false },
    });
  });

  it('may leave out what transformers has a default for', () => {
    expect(readDecoderSpec(LLAMA)).toMatchObject({
      kvHeads: 4,
      headDim: 16,
      normEpsilon: 1e-6,
      maxPositions: 2048,
      rope: { type: 'default', theta: 10_000 },
      tiedEmbeddings: false,
      bias: { qkv: false, attentionOutput: false, mlp: false },
    });
  });

  it.each([undefined, null])('has heads of hidden_size / num_attention_heads when head_dim is %s', (headDim) => {
    expect(readDecoderSpec({ ...LLAMA, num_attention_heads: 2, head_dim: headDim }).headDim).toBe(32);
  });

  it('may have heads of another size than hidden_size / num_attention_heads', () => {
    expect(readDecoderSpec({ ...LLAMA, head_dim: 128 }).headDim).toBe(128);
  });

  it('has a bias in all attention projections, or in the MLP, as it says', () => {
    expect(readDecoderSpec({ ...LLAMA, attention_bias: true }).bias).toMatchObject({
      qkv: true,
      attentionOutput: true,
      mlp: false,
    });
    expect(readDecoderSpec({ ...LLAMA, mlp_bias: true }).bias).toMatchObject({ qkv: false, mlp: true });
  });

  it('may tie the output head to the embeddings', () => {
    expect(readDecoderSpec({ ...LLAMA, tie_word_embeddings: true }).tiedEmbeddings).toBe(true);
  });

  it.each(['hidden_size', 'intermediate_size', 'num_attention_heads', 'num_hidden_layers', 'vocab_size'])(
    'is invalid without %s, which the error names',
    (field) => {
      expectError({ ...LLAMA, [field]: undefined }, 'model_invalid', new RegExp(`^config\\.json: ${field} is missing`));
    },
  );

  it.each([
    ['hidden_size', -64],
    ['hidden_size', 64.5],
    ['intermediate_size', '176'],
    ['num_attention_heads', 0],
    ['num_hidden_layers', [8]],
    ['vocab_size', true],
    ['num_key_value_heads', -2],
    ['head_dim', 0],
    ['max_position_embeddings', '2048'],
    ['rms_norm_eps', 0],
    ['attention_bias', 'false'],
    ['mlp_bias', 0],
    ['tie_word_embeddings', 'yes'],
    ['hidden_act', 5],
  ])('is invalid when %s is %j, which the error names', (field, value) => {
    expectError({ ...LLAMA, [field]: value }, 'model_invalid', `config.json: ${field} is ${JSON.stringify(value)}`);
  });

  it('is invalid when its heads do not divide hidden_size and head_dim is absent', () => {
    expectError({ ...LLAMA, num_attention_heads: 3 }, 'model_invalid', 'head_dim');
  });

  it.each(['gelu', 'gelu_pytorch_tanh', 'relu', 'SiLU'])('is unsupported when hidden_act is %s', (activation) => {
    expectError({ ...LLAMA, hidden_act: activation }, 'model_unsupported', 'hidden_act', activation, 'silu');
  });

  it('is unsupported when a head has an odd size', () => {
    expectError({ ...LLAMA, head_dim: 15 }, 'model_unsupported', 'head_dim 15');
  });

  it('is unsupported when heads cannot share the key-value heads evenly', () => {
    expectError({ ...LLAMA, num_key_value_heads: 3 }, 'model_unsupported', /4 .* 3/);
  });
});

describe('the config.json of a SmolLM3', () => {
  it('becomes the numbers of a decoder', () => {
    const spec = readDecoderSpec(readJson(join(fixture('smollm3'), 'config.json')) as Json);
    expect(spec).toMatchObject({
      architecture: 'SmolLM3ForCausalLM',
      heads: 4,
      kvHeads: 2,
      headDim: 16,
      rope: { type: 'default', theta: 50_000 },
      tiedEmbeddings: true,
    });
    expect(rotaryLayers(spec)).toEqual([true, true, true, false, true]);
  });

  it('leaves every fourth layer unrotated when nothing is said', () => {
    expect(rotaryLayers(readDecoderSpec(SMOLLM3))).toEqual([true, true, true, false, true, true, true, false]);
  });

  it('leaves every layer of an interval unrotated', () => {
    const spec = readDecoderSpec({ ...SMOLLM3, no_rope_layer_interval: 3 });
    expect(rotaryLayers(spec)).toEqual([true, true, false, true, true, false, true, true]);
  });

  it('rotates the layers that no_rope_layers has a 1 for, whatever the interval', () => {
    const config = { ...SMOLLM3, no_rope_layers: [0, 1, 0, 0, 1, 1, 0, 1], no_rope_layer_interval: 4 };
    const spec = readDecoderSpec(config);
    expect(rotaryLayers(spec)).toEqual([false, true, false, false, true, true, false, true]);
  });

  it.each([[[]], [[1, 1, 1, 0]], [[1, 1, 1, 0, 1, 1, 1, 0, 1]]])(
    'is unsupported when no_rope_layers is %j, not one for each layer',
    (listed) => {
      const config = { ...SMOLLM3, no_rope_layers: listed };
      expectError(config, 'model_unsupported', 'no_rope_layers', `lists ${listed.length}`, 'there are 8');
    },
  );

  it('has tied embeddings and theta 2,000,000 when nothing is said', () => {
    expect(readDecoderSpec(SMOLLM3)).toMatchObject({ tiedEmbeddings: true, rope: { theta: 2_000_000 } });
  });

  it('is unsupported with a sliding window', () => {
    expectError({ ...SMOLLM3, use_sliding_window: true }, 'model_unsupported', 'use_sliding_window');
  });

  it('is invalid when no_rope_layers is no list', () => {
    expectError({ ...SMOLLM3, no_rope_layers: 4 }, 'model_invalid', 'no_rope_layers');
  });
});

describe('a config.json of another kind', () => {
  it.each([[['FancyForCausalLM']], [['FancyForCausalLM', 'OtherModel']]])(
    'is unsupported with the architectures %j: the error names them and those that are known',
    (architectures) => {
      const config = { ...LLAMA, architectures };
      expectError(config, 'model_unsupported', ...architectures, 'LlamaForCausalLM', 'SmolLM3ForCausalLM');
    },
  );

  it.each(['toString', '__proto__', 'constructor', 'llamaforcausallm'])('is unsupported as %s', (name) => {
    expectError({ ...LLAMA, architectures: [name] }, 'model_unsupported', name);
  });

  it.each([[undefined], [null], [[]]])('is unsupported when architectures is %j', (architectures) => {
    expectError({ ...LLAMA, architectures }, 'model_unsupported', 'names no architecture', 'LlamaForCausalLM');
  });

  it('is invalid when architectures is no list', () => {
    expectError({ ...LLAMA, architectures: 'LlamaForCausalLM' }, 'model_invalid', 'architectures');
  });

  it('is taken as the first of its architectures that is known', () => {
    const config = { ...LLAMA, architectures: ['FancyForCausalLM', 'SmolLM3ForCausalLM', 'LlamaForCausalLM'] };
    expect(readDecoderSpec(config).architecture).toBe('SmolLM3ForCausalLM');
  });

  it.each([
    [{ quant_method: 'gptq', bits: 4 }, 'gptq'],
    [{ quant_method: 'fp8' }, 'fp8'],
    [{}, 'unnamed'],
  ])('is unsupported when it is quantized: %j', (quantization, method) => {
    expectError({ ...LLAMA, quantization_config: quantization }, 'model_unsupported', 'quantized', method);
  });

  it('is not quantized when quantization_config is null', () => {
    expect(readDecoderSpec({ ...LLAMA, quantization_config: null }).architecture).toBe('LlamaForCausalLM');
  });
});

describe('the keys and values of one token', () => {
  it('are two for each layer, key-value head and value of a head, in float32', () => {
    const spec = readDecoderSpec({ ...LLAMA, num_key_value_heads: 2, head_dim: 10 });
    expect(kvBytesPerToken(spec)).toBe(8 * 2 * 2 * 10 * 4);
  });
});
