/**
 * How the next token is chosen from the logits; every value is set. The order in which they apply, and what they mean,
 * are those of transformers: repetition penalty, temperature, top-k, top-p, min-p.
 */
export interface SamplingParameters {
  /** Whether to draw at random; if not, the most probable token is taken and only the penalty matters. */
  readonly doSample: boolean;
  /** Logits are divided by it; above 0. */
  readonly temperature: number;
  /** Only the k most probable tokens; 0 for all. */
  readonly topK: number;
  /** Only the most probable tokens whose probabilities first reach this sum; above 0, 1 for all. */
  readonly topP: number;
  /** Only tokens at least this fraction as probable as the most probable; 0 for all. */
  readonly minP: number;
  /** Logits of tokens in the prompt or answer are divided by it if positive, else multiplied; 1 for none. */
  readonly repetitionPenalty: number;
}

/** What a caller may set; what is left out comes from the model's generation_config.json. */
export type SamplingRequest = Partial<Omit<SamplingParameters, 'doSample'>>;

/** Where generation_config.json says nothing: the defaults of transformers' GenerationConfig. */
export const DEFAULT_SAMPLING: SamplingParameters = {
  doSample: false,
  temperature: 1,
  topK: 50,
  topP: 1,
  minP: 0,
  repetitionPenalty: 1,
};

/**
 * The parameters of one request. A model that is greedy by default samples when the caller asks for anything that only
 * sampling can give; a temperature of 0 always means greedy.
 */
export function resolveSampling(request: SamplingRequest, defaults: SamplingParameters): SamplingParameters {
  const { temperature, topK, topP, minP } = request;
  const asksForSampling = [temperature, topK, topP, minP].some((value) => value !== undefined);
  const doSample = temperature === 0 ? false : defaults.doSample || asksForSampling;
  return {
    doSample,
    temperature: temperature === 0 ? 1 : (temperature ?? defaults.temperature),
    topK: topK ?? defaults.topK,
    topP: topP ?? defaults.topP,
    minP: minP ?? defaults.minP,
    repetitionPenalty: request.repetitionPenalty ?? defaults.repetitionPenalty,
  };
}
