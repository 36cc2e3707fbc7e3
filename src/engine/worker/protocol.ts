import type { LoopEvent, LoopReport, LoopRequest } from '../batching/generation-loop.js';
import type { SerializedEngineError } from '../errors.js';
import type { CompiledGrammar } from '../grammar/compiled-grammar.js';
import type { Grammar } from '../grammar/grammar.js';
import type { GenerationDefaults } from '../model/generation-config.js';
import type { DecoderInfo } from '../model/loaded-model.js';
import type { InterruptHandles } from '../ort/interrupt.js';
import type { EngineOptions, LoadPhase, ModelInfo, Prompt, RenderedPrompt } from '../types.js';

/** What the decoder's thread is started with. */
export interface DecoderWorkerData {
  readonly options: EngineOptions;
  readonly interrupt: InterruptHandles;
}

/** To the decoder's thread. */
export type DecoderCommand =
  | { readonly type: 'submit'; readonly request: LoopRequest }
  | { readonly type: 'cancel'; readonly id: number }
  /** Frees everything native and ends the thread. */
  | { readonly type: 'dispose' };

/** A part of the load begins. */
export interface LoadPhaseMessage {
  readonly type: 'phase';
  readonly phase: LoadPhase;
  /** Bytes by which the process will grow in it; 0 when it is too short to matter. */
  readonly expectedGrowth: number;
}

/** From the decoder's thread. */
export type DecoderMessage =
  | LoadPhaseMessage
  | { readonly type: 'ready'; readonly info: DecoderInfo; readonly defaults: GenerationDefaults }
  /** What one step of the loop was, and did for every request that it touched. */
  | { readonly type: 'step'; readonly report: LoopReport; readonly events: readonly LoopEvent[] }
  /** Loading or a step failed; the thread does nothing more and waits to be disposed of. */
  | { readonly type: 'failed'; readonly error: SerializedEngineError };

/** What the text thread is started with. */
export interface TextWorkerData {
  readonly modelPath: string;
}

/** What the text thread found in the model folder. */
export type LoadedText = Pick<ModelInfo, 'hasChatTemplate' | 'chatTemplates'>;

/** What the text thread does: a prompt to token ids, alone or with how it came to them, or token ids to text. */
export type TextTask =
  | { readonly kind: 'encode'; readonly prompt: Prompt }
  | { readonly kind: 'explain'; readonly prompt: Prompt }
  | { readonly kind: 'decode'; readonly ids: readonly number[] }
  /** @param vocabSize how many logits the model has */
  | { readonly kind: 'grammar'; readonly grammar: Grammar; readonly vocabSize: number };

export type TextResult = readonly number[] | RenderedPrompt | string | CompiledGrammar;

/** To the text thread; each call is answered with its number. */
export interface TextCall {
  readonly call: number;
  readonly task: TextTask;
}

/** From the text thread. */
export type TextMessage =
  | { readonly type: 'ready'; readonly loaded: LoadedText }
  | { readonly type: 'load_failed'; readonly error: SerializedEngineError }
  | { readonly type: 'done'; readonly call: number; readonly result: TextResult }
  | { readonly type: 'call_failed'; readonly call: number; readonly error: SerializedEngineError };
