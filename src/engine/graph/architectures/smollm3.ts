import type { ConfigReader } from '../../model/config-reader.js';
import type { DecoderSpec } from '../decoder-spec.js';
import { readRope } from '../rope.js';
import { llama } from './llama.js';

/** SmolLM3: Llama, but every fourth layer (or as `no_rope_layers` says) attends without rotary embeddings. */
export function smollm3(config: ConfigReader, architecture: string): DecoderSpec {
  if (config.flag('use_sliding_window', false)) config.unsupported('use_sliding_window is not supported');
  const base = llama(config, architecture);
  return {
    ...base,
    rope: readRope(config, 2_000_000),
    tiedEmbeddings: config.flag('tie_word_embeddings', true),
    layers: readRotaryLayers(config, base.layers.length).map((rotary) => ({ rotary })),
  };
}

function readRotaryLayers(config: ConfigReader, count: number): boolean[] {
  const listed = config.list('no_rope_layers');
  if (!listed) {
    const interval = config.count('no_rope_layer_interval', 4);
    return Array.from({ length: count }, (_, layer) => (layer + 1) % interval !== 0);
  }
  if (listed.length !== count)
    config.unsupported(`no_rope_layers lists ${listed.length} layers, but there are ${count}`);
  // The name misleads: 1 stands for a layer that has rotary embeddings.
  return listed.map((value) => value === 1);
}
