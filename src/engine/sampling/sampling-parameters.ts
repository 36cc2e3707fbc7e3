/**
 * How the next token is chosen from the logits; every value is set. They apply in the order in which they stand here,
 * but for `doSample`. What they mean is what they mean in transformers; presence and frequency penalty and the bias
 * are those of OpenAI's API and vLLM.
 */
export interface SamplingParameters {
  /** Whether to draw at random; if not, the most probable token is taken, and only bias and penalties matter. */
  readonly doSample: boolean;
  /** Added to the logit of a token: −100 as good as bans it, 100 as good as enforces it. */
  readonly logitBias: ReadonlyMap<number, number>;
  /** Logits of tokens in the prompt or answer are divided by it if positive, else multiplied; 1 for none. */
  readonly repetitionPenalty: number;
  /** Taken from the logit of a token as many times as the answer already has it; 0 for none. */
  readonly frequencyPenalty: number;
  /** Taken from the logits of tokens that the answer already has; 0 for none. */
  readonly presencePenalty: number;
  /** Logits are divided by it; above 0. */
  readonly temperature: number;
  /** Only the k most probable tokens; 0 for all. */
  readonly topK: number;
  /** Only the most probable tokens whose probabilities first reach this sum; above 0, 1 for all. */
  readonly topP: number;
  /** Only tokens at least this fraction as probable as the most probable; 0 for all. */
  readonly minP: number;
  /** Only the most typical tokens, whose probabilities reach this sum (see `typicalOf`); above 0, 1 for all. */
  readonly typicalP: number;
}

/** What a caller may set; what is left out comes from the model's generation_config.json. */
export type SamplingRequest = Partial<Omit<SamplingParameters, 'doSample'>>;

/** Where generation_config.json says nothing: the defaults of transformers' GenerationConfig. */
export const DEFAULT_SAMPLING: SamplingParameters = {
  doSample: false,
  logitBias: new Map(),
  repetitionPenalty: 1,
  frequencyPenalty: 0,
  presencePenalty: 0,
  temperature: 1,
  topK: 50,
  topP: 1,
  minP: 0,
  typicalP: 1,
};

/**
 * The parameters of one request. A model that is greedy by default samples when the caller asks for anything that only
 * sampling can give; a temperature of 0 always means greedy.
 */
export function resolveSampling(request: SamplingRequest, defaults: SamplingParameters): SamplingParameters {
  const { temperature, topK, topP, minP, typicalP } = request;
  const asksForSampling = [temperature, topK, topP, minP, typicalP].some((value) => value !== undefined);
  const doSample = temperature === 0 ? false : defaults.doSample || asksForSampling;
  return {
    doSample,
    logitBias: request.logitBias ?? defaults.logitBias,
    repetitionPenalty: request.repetitionPenalty ?? defaults.repetitionPenalty,
    frequencyPenalty: request.frequencyPenalty ?? defaults.frequencyPenalty,
    presencePenalty: request.presencePenalty ?? defaults.presencePenalty,
    temperature: temperature === 0 ? 1 : (temperature ?? defaults.temperature),
    topK: topK ?? defaults.topK,
    topP: topP ?? defaults.topP,
    minP: minP ?? defaults.minP,
    typicalP: typicalP ?? defaults.typicalP,
  };
}
