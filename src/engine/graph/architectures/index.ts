import { ConfigReader } from '../../model/config-reader.js';
import type { JsonObject } from '../../model/json.js';
import type { DecoderSpec } from '../decoder-spec.js';
import { llama } from './llama.js';
import { smollm3 } from './smollm3.js';

type Architecture = (config: ConfigReader, architecture: string) => DecoderSpec;

/** Every architecture there is a graph for, by the name that config.json gives it. To add one, add a row. */
const ARCHITECTURES: Readonly<Record<string, Architecture>> = {
  LlamaForCausalLM: llama,
  SmolLM3ForCausalLM: smollm3,
};

/**
 * The model of a config.json.
 *
 * @throws {EngineError} model_unsupported for an architecture, quantization or feature without an implementation;
 * model_invalid for a missing or impossible value.
 */
export function readDecoderSpec(json: JsonObject): DecoderSpec {
  const config: ConfigReader = new ConfigReader(json);
  const names = config.list('architectures') ?? [];
  const known = names.find((name): name is string => typeof name === 'string' && Object.hasOwn(ARCHITECTURES, name));
  if (!known) {
    const found = names.length > 0 ? `the architecture ${names.join(', ')} is not supported` : 'names no architecture';
    config.unsupported(`${found} (known: ${Object.keys(ARCHITECTURES).join(', ')})`);
  }
  const quantization = config.section('quantization_config');
  if (quantization) {
    const method = quantization.text('quant_method', 'an unnamed method');
    config.unsupported(`the checkpoint is quantized (${method}), which is not supported: mount the unquantized one`);
  }
  return ARCHITECTURES[known](config, known);
}
