import type {
  EngineError,
  Explanation,
  GenerationEvent,
  GenerationRequest,
  LoadProgress,
  ModelInfo,
  Prompt,
  StepReport,
} from '../engine/index.js';

export { EngineError as InferenceError, monotonicNow } from '../engine/index.js';
export type {
  AnswerOptions,
  ChatMessage,
  ChatTemplateSources,
  EffectiveParameter,
  EngineErrorCode as InferenceErrorCode,
  Explanation,
  Finish,
  FinishReason,
  GenerationEvent,
  GenerationRequest,
  Grammar,
  JsonSchema,
  LoadProgress,
  ModelInfo,
  ParameterSource,
  Prompt,
  RenderedPrompt,
  SamplingRequest,
  StructuralTagFormat,
  TokenFormat,
  ThoughtOptions,
  TagFormat,
  StepReport,
  TimeLimits,
  Timings,
  TokenLogprob,
  TokenLogprobs,
} from '../engine/index.js';

/** DI token of the `InferenceProvider`. */
export const INFERENCE_PROVIDER = Symbol('INFERENCE_PROVIDER');

export interface LoadListeners {
  onProgress(progress: LoadProgress): void;
  /** The network has run once; a provider that does not run one never calls this. */
  onStep?(report: StepReport): void;
  /** A loaded model broke; it cannot be used any more. */
  onFailure(error: EngineError): void;
}

/**
 * What the server needs of something that generates text. The engine on ONNX Runtime is one; a test or a team can put
 * another in its place. Errors are `InferenceError`s, told apart by their code.
 */
export interface InferenceProvider {
  /**
   * Loads the model, which has generated a token when this returns.
   *
   * @param signal ends the load
   */
  load(listeners: LoadListeners, signal: AbortSignal): Promise<ModelInfo>;

  /** Frees everything that the model holds; requests that still run end with the error `not_loaded`. */
  unload(): Promise<void>;

  /**
   * Milliseconds for which there has been work and none of it got on; 0 when there is none. One that cannot stand still
   * need not have this.
   */
  stalledFor?(): number;

  /** The token ids of a prompt, as the model reads them. Only for a loaded model. */
  encode(prompt: Prompt, signal: AbortSignal): Promise<readonly number[]>;

  /** The text of token ids, special tokens included. Only for a loaded model. */
  decode(ids: readonly number[], signal: AbortSignal): Promise<string>;

  /** What `generate` would do with a request, without doing it. Only for a loaded model. */
  explain(request: GenerationRequest, signal: AbortSignal): Promise<Explanation>;

  /** Generates an answer: a `start`, `tokens` as they come, a `finish`. Only for a loaded model. */
  generate(request: GenerationRequest, signal: AbortSignal): AsyncIterable<GenerationEvent>;
}
