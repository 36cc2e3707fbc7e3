import type { ChatMessage } from '../../inference/inference-provider.js';

/** A function of the client's that the model may call. */
export interface FunctionTool {
  readonly name: string;
  readonly description?: string;
  /** JSON Schema of its arguments, which are an object; none if left out. */
  readonly parameters?: Readonly<Record<string, unknown>>;
  /** Whether the arguments of a call are held to the schema. */
  readonly strict?: boolean;
}

/** Whether the model calls a tool: as it likes, never, at least one, or this one. */
export type ToolChoice = 'auto' | 'none' | 'required' | { readonly name: string };

/** How much the model thinks before it answers. */
export interface ThinkingRequest {
  /** What is left out, the chat template decides. */
  readonly enabled?: boolean;
  /** For chat templates that know levels, such as `low`; `none` turns thinking off. */
  readonly effort?: string;
  /** Most tokens of a thought; one that is longer is ended. */
  readonly maxTokens?: number;
}

/** A conversation that wants an answer, in whatever dialect it came. */
export interface ChatRequest {
  /** In the form of OpenAI's chat completions, with one text as content. */
  readonly messages: readonly ChatMessage[];
  readonly tools?: readonly FunctionTool[];
  /** `auto` if left out. */
  readonly toolChoice?: ToolChoice;
  /** Whether an answer may have several calls; true if left out. */
  readonly parallelToolCalls?: boolean;
  readonly thinking?: ThinkingRequest;
  /** Whether the prompt ends where the answer begins; true if left out. */
  readonly addGenerationPrompt?: boolean;
  /** Further variables of the chat template; they go before those that follow from `thinking`. */
  readonly variables?: Readonly<Record<string, unknown>>;
}
