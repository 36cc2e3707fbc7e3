import { EngineError } from '../errors.js';
import type { Checkpoint } from '../weights/checkpoint.js';
import { isWeightType } from '../weights/data-type.js';
import { partsOf, scalesOf, type QuantizedFormat, type WeightPlan, type WeightSource } from '../weights/weight-plan.js';
import type { DecoderSpec, LayerSpec } from './decoder-spec.js';
import { MICROSOFT_DOMAIN, OnnxGraph } from './onnx-graph.js';
import { formatFor, type QuantizationRecipe } from './quantization.js';
import { rotaryTables } from './rope.js';

/** To be raised when the same weights give other logits, be it in the last bits: fingerprints of answers depend on it. */
export const GRAPH_REVISION = 2;

/** The names by which a session feeds and reads the graph. */
export const GRAPH_IO = {
  /** int64 [batch, tokens] */
  inputIds: 'input_ids',
  /** int32 [batch]: tokens of the sequence after this step, minus one */
  sequenceLengths: 'seqlens_k',
  /** int32 []: the longest sequence of the batch after this step, in tokens */
  totalLength: 'total_sequence_length',
  /** int64 [rows]: which rows of the flattened [batch × tokens] get logits */
  logitsRows: 'logits_rows',
  /** float32 [rows, vocabulary] */
  logits: 'logits',
  /** float32 [batch, kv heads, capacity, head size]; the same buffer is the input and the output */
  pastKey: (layer: number) => `past_key_values.${layer}.key`,
  pastValue: (layer: number) => `past_key_values.${layer}.value`,
  presentKey: (layer: number) => `present.${layer}.key`,
  presentValue: (layer: number) => `present.${layer}.value`,
} as const;

export interface DecoderGraph {
  /** A serialized ONNX ModelProto. The embedding is external data below the checkpoint's root. */
  readonly model: Uint8Array;
  /** All other weights, to be made and handed to the session. */
  readonly weights: readonly WeightPlan[];
  /** Tensors of the checkpoint that the graph has no place for: a sign that it computes something else. */
  readonly unusedTensors: readonly string[];
}

/**
 * Builds the graph of a decoder over the weights of a checkpoint, without reading them.
 *
 * @param capacity positions of the KV cache, in tokens: as long are the rotary tables
 * @param recipe how matrices are quantized; float32 if left out
 * @throws {EngineError} model_invalid when the checkpoint lacks a tensor or one has another shape;
 * model_unsupported when one has a type that does not hold plain weights.
 */
export function buildDecoderGraph(
  spec: DecoderSpec,
  checkpoint: Checkpoint,
  capacity: number,
  recipe?: QuantizationRecipe,
): DecoderGraph {
  return new DecoderGraphBuilder(spec, checkpoint, capacity, recipe).build();
}

/** The residual stream between two blocks: its value is `base` + `delta`, added by the norm that reads it next. */
interface Residual {
  readonly base: string;
  readonly delta: string;
}

interface Projection {
  /** In the checkpoint. */
  readonly name: string;
  /** How many values it gives. */
  readonly size: number;
  /** What these are multiplied with, by way of the weights; 1 if left out. */
  readonly factor?: number;
}

/** Projections of one input, computed by one operator. */
interface Linear {
  /** Of the result. */
  readonly name: string;
  readonly input: string;
  readonly inSize: number;
  readonly projections: readonly Projection[];
  readonly bias: boolean;
  /** If not that of the layers. */
  readonly quantization?: QuantizedFormat;
}

/** Inputs are quantized to int8 as well, row by row and block by block: four times as fast, and hardly less exact. */
const ACCURACY_INT8 = 4;

class DecoderGraphBuilder {
  private readonly graph = new OnnxGraph();
  private readonly used = new Set<string>();
  private readonly weights: WeightPlan[] = [];

  constructor(
    private readonly spec: DecoderSpec,
    private readonly checkpoint: Checkpoint,
    private readonly capacity: number,
    private readonly recipe: QuantizationRecipe | undefined,
  ) {}

  build(): DecoderGraph {
    const { graph, spec } = this;
    graph.input(GRAPH_IO.inputIds, 'int64', ['batch', 'tokens']);
    graph.input(GRAPH_IO.sequenceLengths, 'int32', ['batch']);
    graph.input(GRAPH_IO.totalLength, 'int32', []);
    graph.input(GRAPH_IO.logitsRows, 'int64', ['rows']);
    this.addRotaryTables();

    // The table stays in its file, which the runtime maps: memory holds the rows that are looked up, and no others.
    const table = this.mapped('model.embed_tokens.weight', [spec.vocabSize, spec.hiddenSize]);
    const rows = graph.node('Gather', 'embedding_rows', [table, GRAPH_IO.inputIds]);
    const embedded = graph.node('Cast', 'embedding', [rows], { attributes: { to: 1 } });

    let residual: Residual | string = embedded;
    for (const [index, layer] of spec.layers.entries()) residual = this.addLayer(index, layer, residual);
    this.addHead(residual as Residual);
    return { model: graph.serialize(), weights: this.weights, unusedTensors: this.unusedTensors() };
  }

  private addRotaryTables(): void {
    const { spec, graph, capacity } = this;
    if (!spec.layers.some((layer) => layer.rotary)) return;
    const { cos, sin } = rotaryTables(spec.rope, spec.headDim, capacity);
    graph.initializer('cos_cache', cos, [capacity, spec.headDim / 2]);
    graph.initializer('sin_cache', sin, [capacity, spec.headDim / 2]);
  }

  private addLayer(index: number, layer: LayerSpec, input: Residual | string): Residual {
    const prefix = `model.layers.${index}`;
    const attentionInput = this.norm(`${prefix}.input_layernorm`, input);
    let attended = this.addAttention(`${prefix}.self_attn`, index, layer, attentionInput.normalized);
    let base = attentionInput.sum;
    // Of all others, only keys and values are still wanted: a prefill needs the logits of one position.
    if (index === this.spec.layers.length - 1) {
      attended = this.wantedRows(attended, this.spec.heads * this.spec.headDim);
      base = this.wantedRows(base, this.spec.hiddenSize);
    }
    const delta = this.addAttentionOutput(`${prefix}.self_attn`, attended);
    const mlpInput = this.norm(`${prefix}.post_attention_layernorm`, { base, delta });
    return { base: mlpInput.sum, delta: this.addMlp(`${prefix}.mlp`, mlpInput.normalized) };
  }

  private addAttention(name: string, index: number, layer: LayerSpec, input: string): string {
    const { graph, capacity } = this;
    const { heads, kvHeads, headDim, hiddenSize, bias } = this.spec;
    const cacheShape = ['batch', kvHeads, capacity, headDim];
    const past = [GRAPH_IO.pastKey(index), GRAPH_IO.pastValue(index)];
    const present = [GRAPH_IO.presentKey(index), GRAPH_IO.presentValue(index)];
    for (const value of past) graph.input(value, 'float32', cacheShape);
    for (const value of present) graph.output(value, 'float32', cacheShape);

    // One matrix, one operator: the attention takes queries, keys and values apart itself.
    const qkv = this.linear({
      name: `${name}.qkv_proj`,
      input,
      inSize: hiddenSize,
      projections: [
        // Queries come scaled: to an attention that scales its scores itself, their product with the keys of a sequence is
        // no plain product of a row and a matrix, for which the runtime has a faster routine.
        { name: `${name}.q_proj`, size: heads * headDim, factor: 1 / Math.sqrt(headDim) },
        { name: `${name}.k_proj`, size: kvHeads * headDim },
        { name: `${name}.v_proj`, size: kvHeads * headDim },
      ],
      bias: bias.qkv,
    });
    const lengths = [GRAPH_IO.sequenceLengths, GRAPH_IO.totalLength];
    const rotary = layer.rotary ? ['cos_cache', 'sin_cache'] : [];
    return graph.node('GroupQueryAttention', name, [qkv, '', '', ...past, ...lengths, ...rotary], {
      domain: MICROSOFT_DOMAIN,
      attributes: { num_heads: heads, kv_num_heads: kvHeads, do_rotary: layer.rotary ? 1 : 0, scale: { float: 1 } },
      outputs: [name, ...present],
    });
  }

  private addAttentionOutput(name: string, input: string): string {
    const { heads, headDim, hiddenSize, bias } = this.spec;
    return this.linear({
      name: `${name}.o_proj`,
      input,
      inSize: heads * headDim,
      projections: [{ name: `${name}.o_proj`, size: hiddenSize }],
      bias: bias.attentionOutput,
    });
  }

  private addMlp(name: string, input: string): string {
    const { graph } = this;
    const { hiddenSize, intermediateSize, bias } = this.spec;
    const gateUp = this.linear({
      name: `${name}.gate_up_proj`,
      input,
      inSize: hiddenSize,
      projections: [
        { name: `${name}.gate_proj`, size: intermediateSize },
        { name: `${name}.up_proj`, size: intermediateSize },
      ],
      bias: bias.mlp,
    });
    const [gate, up] = [`${name}.gate`, `${name}.up`];
    graph.node('Split', `${name}.split`, [gateUp], { attributes: { axis: -1, num_outputs: 2 }, outputs: [gate, up] });
    // x · sigmoid(alpha · x) with alpha 1 is SiLU, in one node.
    const activated = graph.node('QuickGelu', `${name}.silu`, [gate], {
      domain: MICROSOFT_DOMAIN,
      attributes: { alpha: { float: 1 } },
    });
    const product = graph.node('Mul', `${name}.gated`, [activated, up]);
    return this.linear({
      name: `${name}.down_proj`,
      input: product,
      inSize: intermediateSize,
      projections: [{ name: `${name}.down_proj`, size: hiddenSize }],
      bias: bias.mlp,
    });
  }

  private addHead(residual: Residual): void {
    const { graph, spec } = this;
    const { normalized } = this.norm('model.norm', residual);
    const weight = spec.tiedEmbeddings ? 'model.embed_tokens' : 'lm_head';
    const logits = this.linear({
      name: GRAPH_IO.logits,
      input: normalized,
      inSize: spec.hiddenSize,
      projections: [{ name: weight, size: spec.vocabSize }],
      bias: false,
      quantization: this.recipe?.head,
    });
    graph.output(logits, 'float32', ['rows', spec.vocabSize]);
  }

  /** [batch, tokens, size] → [rows, size] */
  private wantedRows(value: string, size: number): string {
    const { graph } = this;
    const shape = graph.initializer(`${value}.flat_shape`, BigInt64Array.of(-1n, BigInt(size)), [2]);
    const rows = graph.node('Reshape', `${value}.flat`, [value, shape]);
    return graph.node('Gather', `${value}.wanted`, [rows, GRAPH_IO.logitsRows]);
  }

  /** RMS norm of the residual stream; `sum` is the stream itself, after the addition. */
  private norm(name: string, input: Residual | string): { normalized: string; sum: string } {
    const { graph, spec } = this;
    const weight = this.floatVector(`${name}.weight`, spec.hiddenSize);
    const attributes = { epsilon: { float: spec.normEpsilon } };
    if (typeof input === 'string') {
      const options = { attributes: { ...attributes, axis: -1, stash_type: 1 } };
      return { normalized: graph.node('SimplifiedLayerNormalization', name, [input, weight], options), sum: input };
    }
    const sum = `${name}.sum`;
    const normalized = graph.node('SkipSimplifiedLayerNormalization', name, [input.base, input.delta, weight], {
      domain: MICROSOFT_DOMAIN,
      attributes,
      outputs: [name, '', '', sum],
    });
    return { normalized, sum };
  }

  /** input · weightᵀ (+ bias), for one or several projections of the same input side by side. */
  private linear({ name, input, inSize, projections, bias, quantization = this.recipe?.layers }: Linear): string {
    const { graph } = this;
    const outSize = projections.reduce((sum, { size }) => sum + size, 0);
    const sources = (kind: 'weight' | 'bias', ...columns: number[]): WeightSource[] =>
      projections.map((p) => ({ ...this.tensor(`${p.name}.${kind}`, [p.size, ...columns]), factor: p.factor }));
    const plan: WeightPlan = {
      name: `${name}.weight`,
      sources: sources('weight', inSize),
      shape: [outSize, inSize],
      format: formatFor(quantization, inSize),
    };
    const weight = this.supply(plan);
    const added = bias
      ? this.supply({
          name: `${name}.bias`,
          sources: sources('bias'),
          shape: [outSize],
          format: 'float32',
        })
      : undefined;
    if (plan.format === 'float32') {
      const options = { domain: MICROSOFT_DOMAIN, attributes: { transB: 1 } };
      if (added === undefined) return graph.node('FusedMatMul', name, [input, weight], options);
      return graph.node('Add', name, [graph.node('FusedMatMul', `${name}.product`, [input, weight], options), added]);
    }
    const { bits, blockSize } = plan.format;
    const inputs = [input, weight, scalesOf(weight), ...(added === undefined ? [] : ['', '', added])];
    return graph.node('MatMulNBits', name, inputs, {
      domain: MICROSOFT_DOMAIN,
      attributes: { K: inSize, N: outSize, bits, block_size: blockSize, accuracy_level: ACCURACY_INT8 },
    });
  }

  private floatVector(name: string, size: number): string {
    return this.supply({ name, sources: [this.tensor(name, [size])], shape: [size], format: 'float32' });
  }

  /** Declares the initializers of a weight that is handed to the session. */
  private supply(plan: WeightPlan): string {
    this.weights.push(plan);
    const [{ location }] = plan.sources;
    for (const { name, type, shape } of partsOf(plan)) this.graph.suppliedInitializer(name, type, shape, location);
    return plan.name;
  }

  /** Declares an initializer that stays in the checkpoint's file. */
  private mapped(name: string, shape: readonly number[]): string {
    const { dtype, location, offset, length } = this.tensor(name, shape);
    return this.graph.externalInitializer(name, dtype, shape, { location, offset, length });
  }

  /** The checkpoint's tensor of that name, which must have that shape. */
  private tensor(name: string, shape: readonly number[]): WeightSource {
    const tensor = this.checkpoint.tensors.get(name);
    if (!tensor) throw new EngineError('model_invalid', `the weights lack tensor ${name}, which config.json calls for`);
    const { dtype, location } = tensor;
    if (!isWeightType(dtype)) {
      throw new EngineError(
        'model_unsupported',
        `${location}: tensor ${name} has type ${dtype} (known: F32, F16, BF16)`,
      );
    }
    if (tensor.shape.length !== shape.length || shape.some((size, i) => size !== tensor.shape[i])) {
      const found = tensor.shape.join(', ');
      throw new EngineError(
        'model_invalid',
        `${location}: tensor ${name} has shape [${found}], but config.json calls for [${shape.join(', ')}]`,
      );
    }
    this.used.add(name);
    return { ...tensor, dtype };
  }

  private unusedTensors(): string[] {
    // Old checkpoints carry the rotary frequencies, and some a copy of the tied head; both are computed or read elsewhere.
    const harmless = /(\.rotary_emb\.inv_freq|^lm_head\.weight)$/;
    return [...this.checkpoint.tensors.keys()].filter((name) => !this.used.has(name) && !harmless.test(name));
  }
}
