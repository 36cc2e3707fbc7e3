import { join } from 'node:path';
import { DEFAULT_SAMPLING, type SamplingParameters } from '../sampling/sampling-parameters.js';
import { ConfigReader } from './config-reader.js';
import { readOptionalJsonObject, type JsonObject } from './json.js';

/** How a model generates when a caller does not say otherwise. */
export interface GenerationDefaults {
  readonly sampling: SamplingParameters;
  /** Those of `sampling` that the model's files decide. */
  readonly configured: readonly (keyof SamplingParameters)[];
  /** Tokens that end an answer. */
  readonly eosIds: readonly number[];
  readonly padId: number | undefined;
  /** Settings of generation_config.json that would change the output, but that the engine does not know. */
  readonly ignored: readonly string[];
}

/** What generation_config.json calls the parameters. */
const NAMES = {
  do_sample: 'doSample',
  temperature: 'temperature',
  top_k: 'topK',
  top_p: 'topP',
  min_p: 'minP',
  typical_p: 'typicalP',
  repetition_penalty: 'repetitionPenalty',
} as const;

/** Settings that transformers would obey, with the values at which they do nothing. */
const WITHOUT_EFFECT: Readonly<Record<string, readonly unknown[]>> = {
  num_beams: [1],
  num_return_sequences: [1],
  no_repeat_ngram_size: [0],
  encoder_repetition_penalty: [1],
  epsilon_cutoff: [0],
  eta_cutoff: [0],
  penalty_alpha: [0],
  min_length: [0],
  min_new_tokens: [0],
  bad_words_ids: [],
  suppress_tokens: [],
  begin_suppress_tokens: [],
  forced_bos_token_id: [],
  forced_eos_token_id: [],
  sequence_bias: [],
  guidance_scale: [1],
};

/**
 * Reads `generation_config.json`, as transformers does; end-of-sequence and padding fall back to config.json.
 *
 * @throws {EngineError} model_invalid, naming the field
 */
export function readGenerationDefaults(folder: string, config: JsonObject): GenerationDefaults {
  const label = 'generation_config.json';
  const json = readOptionalJsonObject(join(folder, label)) ?? {};
  const reader = new ConfigReader(json, label);
  const fallback = new ConfigReader(config);
  const eos = reader.has('eos_token_id') ? reader : fallback;
  // Published files say so beside `do_sample: false`.
  const greedy = json.temperature === 0;
  const padJson = reader.has('pad_token_id') ? json : config;
  const pad = padJson === json ? reader : fallback;
  return {
    sampling: {
      ...DEFAULT_SAMPLING,
      doSample: reader.flag('do_sample', DEFAULT_SAMPLING.doSample) && !greedy,
      temperature: greedy ? DEFAULT_SAMPLING.temperature : reader.positive('temperature', DEFAULT_SAMPLING.temperature),
      topK: reader.size('top_k', DEFAULT_SAMPLING.topK),
      topP: reader.positive('top_p', DEFAULT_SAMPLING.topP),
      minP: reader.fraction('min_p', DEFAULT_SAMPLING.minP),
      typicalP: reader.positive('typical_p', DEFAULT_SAMPLING.typicalP),
      repetitionPenalty: reader.positive('repetition_penalty', DEFAULT_SAMPLING.repetitionPenalty),
    },
    configured: Object.entries(NAMES).flatMap(([name, parameter]) => (reader.has(name) ? [parameter] : [])),
    eosIds: eos.has('eos_token_id') ? eos.sizes('eos_token_id') : [],
    // Old conversions say -1 for none.
    padId: pad.has('pad_token_id') && padJson.pad_token_id !== -1 ? pad.size('pad_token_id') : undefined,
    ignored: Object.entries(WITHOUT_EFFECT)
      .filter(([name, harmless]) => reader.has(name) && !isEmpty(json[name]) && !harmless.includes(json[name]))
      .map(([name]) => name),
  };
}

function isEmpty(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}
