/** The engine's only door: what the rest of the server may use. Nothing in this folder knows of Nest or HTTP. */
export { monotonicNow } from './clock.js';
export { Engine, type EngineHandlers } from './engine.js';
export { collectGarbage } from './garbage.js';
export { ENGINE_ERROR_CODES, EngineError, type EngineErrorCode } from './errors.js';
export type { Grammar, JsonSchema, StructuralTagFormat, TagFormat, TokenFormat } from './grammar/grammar.js';
export type { SamplingRequest } from './sampling/sampling-parameters.js';
export type { ChatInput, ChatMessage, ChatTemplateSources } from './tokens/chat-template.js';
export type {
  AnswerOptions,
  ComputeType,
  Device,
  EffectiveParameter,
  EngineOptions,
  Explanation,
  Finish,
  FinishReason,
  GenerationEvent,
  GenerationRequest,
  LoadPhase,
  LoadProgress,
  ModelInfo,
  ParameterSource,
  Prompt,
  ThoughtOptions,
  RenderedPrompt,
  StepReport,
  TimeLimits,
  Timings,
  TokenLogprob,
  TokenLogprobs,
} from './types.js';
