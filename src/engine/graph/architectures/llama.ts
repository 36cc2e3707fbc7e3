import type { ConfigReader } from '../../model/config-reader.js';
import type { DecoderSpec } from '../decoder-spec.js';
import { readRope } from '../rope.js';

/** Llama 1 to 3, SmolLM, SmolLM2 and the many models that were published as LlamaForCausalLM. */
export function llama(config: ConfigReader, architecture: string): DecoderSpec {
  const activation = config.text('hidden_act', 'silu');
  if (activation !== 'silu') config.unsupported(`hidden_act "${activation}" is not supported (known: silu)`);
  const hiddenSize = config.count('hidden_size');
  const heads = config.count('num_attention_heads');
  const attentionBias = config.flag('attention_bias', false);
  const headDim = config.count('head_dim', hiddenSize / heads);
  if (headDim % 2 !== 0) config.unsupported(`head_dim ${headDim} is odd, and rotary embeddings need an even one`);
  const kvHeads = config.count('num_key_value_heads', heads);
  if (heads % kvHeads !== 0) config.unsupported(`${heads} attention heads cannot share ${kvHeads} key-value heads`);
  return {
    architecture,
    vocabSize: config.count('vocab_size'),
    hiddenSize,
    intermediateSize: config.count('intermediate_size'),
    heads,
    kvHeads,
    headDim,
    normEpsilon: config.positive('rms_norm_eps', 1e-6),
    maxPositions: config.count('max_position_embeddings', 2048),
    rope: readRope(config),
    layers: Array.from({ length: config.count('num_hidden_layers', undefined, 10_000) }, () => ({ rotary: true })),
    tiedEmbeddings: config.flag('tie_word_embeddings', false),
    bias: { qkv: attentionBias, attentionOutput: attentionBias, mlp: config.flag('mlp_bias', false) },
  };
}
