import type { RopeSpec } from './rope.js';

/** What one decoder layer does differently from its neighbours. */
export interface LayerSpec {
  /** Whether queries and keys are rotated by their position. */
  readonly rotary: boolean;
}

/**
 * A decoder-only transformer of the Llama family, in numbers: everything that the graph builder needs to know, and
 * nothing that it has to look up in a config again. An architecture is a function from config.json to this.
 */
export interface DecoderSpec {
  /** As config.json names it, for example SmolLM3ForCausalLM. */
  readonly architecture: string;
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly heads: number;
  readonly kvHeads: number;
  /** Values of one head. */
  readonly headDim: number;
  readonly normEpsilon: number;
  /** The longest sequence the model was made for, in tokens. */
  readonly maxPositions: number;
  readonly rope: RopeSpec;
  readonly layers: readonly LayerSpec[];
  /** Whether the output head is the embedding matrix. */
  readonly tiedEmbeddings: boolean;
  /** Which projections add a bias. */
  readonly bias: { readonly qkv: boolean; readonly attentionOutput: boolean; readonly mlp: boolean };
}

/** Bytes of the keys and values of one token, over all layers, in float32. */
export function kvBytesPerToken({ layers, kvHeads, headDim }: DecoderSpec): number {
  return layers.length * 2 * kvHeads * headDim * Float32Array.BYTES_PER_ELEMENT;
}
