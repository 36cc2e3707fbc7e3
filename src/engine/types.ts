import type { SerializedEngineError } from './errors.js';
import type { Grammar } from './grammar/grammar.js';
import type { Quantization, QuantizationRecipe } from './graph/quantization.js';
import type { DataType } from './weights/data-type.js';
import type { IdLogprob } from './sampling/log-probabilities.js';
import type { SamplingParameters, SamplingRequest } from './sampling/sampling-parameters.js';
import type { ChatInput, ChatTemplateSources } from './tokens/chat-template.js';

export type Device = 'cpu' | 'cuda';
export type ComputeType = 'float32' | 'float16' | 'bfloat16';

export interface EngineOptions {
  /** A Hugging Face model folder: config.json, safetensors, tokenizer.json. */
  readonly modelPath: string;
  /** The name that the model goes by; the folder's name if left out. */
  readonly modelId?: string;
  readonly device: Device | 'auto';
  readonly dtype: ComputeType | 'auto';
  /** How matrices are held in memory: quantized by a recipe, or, by default, in the type that the network computes in. */
  readonly quantization?: Quantization | QuantizationRecipe;
  /** Folder that keeps quantized weights from one load to the next; none if left out. */
  readonly cacheFolder?: string;
  /** Longest sequence in tokens, prompt and answer together; what the model and the memory allow if left out. */
  readonly maxModelLength?: number;
  /** Sequences that are worked on at the same time. */
  readonly maxBatchSize: number;
  /** Most tokens of a prompt that are read in one step. */
  readonly prefillChunk: number;
  /** Whether prompts share what they have in common with those before them; they do if left out. */
  readonly prefixCaching?: boolean;
  /**
   * Most tokens that are drafted for one step of an answer that runs alone, from what it or its prompt said before. The
   * answer is the same; text that repeats comes faster. 0, which is off, if left out.
   */
  readonly speculativeTokens?: number;
  /** Threads that share one operator of the network; the physical cores if left out. */
  readonly threads?: number;
}

/** What was loaded. */
export interface ModelInfo {
  readonly id: string;
  readonly architecture: string;
  readonly device: Device;
  /** The type that the network computes in. */
  readonly dtype: ComputeType;
  /** How matrices are held in memory; `custom` for a recipe of the caller's own. */
  readonly quantization: Quantization | 'custom';
  /** The type of the weights on disk. */
  readonly weightType: DataType;
  readonly parameters: number;
  /** Bytes of the weights on disk. */
  readonly weightBytes: number;
  /** Bytes of the weights in memory; left out by who does not know. */
  readonly weightMemoryBytes?: number;
  readonly vocabSize: number;
  /** Tokens that have no text in an answer unless that is asked for. */
  readonly specialIds: readonly number[];
  /** Longest sequence in tokens, prompt and answer together. */
  readonly contextLength: number;
  /** Longest sequence that the model was made for. */
  readonly maxPositions: number;
  /** Sequences that are worked on at the same time. */
  readonly slots: number;
  /** Bytes of keys and values when every slot is full. */
  readonly kvCacheBytes: number;
  readonly threads: number;
  readonly hasChatTemplate: boolean;
  /** If there are any. */
  readonly chatTemplates?: ChatTemplateSources;
  /** Stands for weights, tokenizer, chat template, quantization and runtime: with the same one, a seed gives the same answer. */
  readonly fingerprint: string;
  /** What the operator should know: tensors without a use, settings without an implementation. */
  readonly warnings: readonly string[];
}

/** A load reads the folder's small files and headers, then the runtime takes in the weights, which takes longest. */
export type LoadPhase = 'files' | 'weights';

/** How far a load has come. */
export interface LoadProgress {
  readonly phase: LoadPhase;
  /** Of the whole load, 0 to 99. */
  readonly percent: number;
  /** Since the load began. */
  readonly seconds: number;
}

/** What the model continues. */
export type Prompt =
  | {
      readonly kind: 'text';
      readonly text: string;
      /** Whether the tokenizer adds what it was made to add, usually a BOS token in front; true if left out. */
      readonly addSpecialTokens?: boolean;
    }
  | ({ readonly kind: 'chat' } & ChatInput)
  | { readonly kind: 'tokens'; readonly ids: readonly number[] };

/** A thought is what an answer begins with, between two texts, before it says something. */
export interface ThoughtOptions {
  readonly begin: string;
  readonly end: string;
  /** Whether the prompt ends within it. */
  readonly open: boolean;
  /** Tokens that the answer begins with, so that there is a thought; if left out, the model decides. */
  readonly opening?: readonly number[];
  /** A thought of so many tokens goes on with those of `closing`, which should end it. */
  readonly limit?: { readonly maxTokens: number; readonly closing: readonly number[] };
}

/** Where an answer ends, and what is told of it. */
export interface AnswerOptions {
  /** The same seed and request give the same answer; a whole number of up to 53 bits. */
  readonly seed?: number;
  /** The answer ends before the first of these that it completes. */
  readonly stop?: readonly string[];
  /** Tokens that end the answer as an end-of-sequence token does: they count, and have no text. */
  readonly stopTokenIds?: readonly number[];
  /** Before the answer has so many tokens, none that would end it is chosen; 0 if left out. */
  readonly minTokens?: number;
  /** Whether the answer goes on after an end-of-sequence token. */
  readonly ignoreEos?: boolean;
  /** Whether special tokens have no text; true if left out. */
  readonly skipSpecialTokens?: boolean;
  /** Special tokens that have their text all the same: those that set parts of an answer apart. */
  readonly keptSpecialTokens?: readonly string[];
  /**
   * How many of the most probable tokens to tell of at each place, with the probability of the chosen one; 0 to 20, and
   * nothing is told if left out.
   */
  readonly logprobs?: number;
  /** How the answer's thought is recognized: its tokens are counted then. */
  readonly thought?: ThoughtOptions;
  /**
   * The same for the tokens of the prompt but the first, before which there is nothing. All of the prompt is then
   * computed, also what is in the KV cache already.
   */
  readonly promptLogprobs?: number;
}

export interface GenerationRequest extends AnswerOptions {
  readonly prompt: Prompt;
  /** Most tokens of the answer, the end-of-sequence token included; as many as fit if left out. */
  readonly maxNewTokens?: number;
  /** What is left out, the model's generation_config.json decides. */
  readonly sampling?: SamplingRequest;
  /** What the answer has to be; anything if left out. Only an answer that reached its length may fall short of it. */
  readonly grammar?: Grammar;
  /**
   * The grammar begins after this text of the answer, such as `</think>`, which a token has to end; until then, anything
   * may come but the end. From the first token if left out.
   */
  readonly grammarAfter?: string;
  readonly timeLimits?: TimeLimits;
  /** Whose request it is: clients get slots and time in equal parts. All that do not say are one, for which no slot is kept. */
  readonly client?: string;
}

/** How probable a token was, and what it says. */
export interface TokenLogprob extends IdLogprob {
  /** Its text in UTF-8, also of a special token; a character may be spread over several tokens. */
  readonly bytes: readonly number[];
}

/** A chosen token, and the most probable ones in its place. */
export interface TokenLogprobs extends TokenLogprob {
  /** The most probable first; the chosen one may be among them. */
  readonly top: readonly TokenLogprob[];
}

/**
 * Why an answer ended: the model said so or its grammar has no more to say, a stop token or a stop string appeared, or it
 * reached its length or its time.
 */
export type FinishReason = 'eos' | 'stop_token' | 'stop_string' | 'length' | 'timeout';

/**
 * How long a request may wait for a slot, wait for its first token, and take as a whole; in milliseconds since the engine
 * was asked. Then it ends with what there is. What is left out is not limited.
 */
export interface TimeLimits {
  readonly queue?: number;
  readonly firstToken?: number;
  readonly whole?: number;
}

export interface Finish {
  readonly reason: FinishReason;
  /** The one that appeared. */
  readonly stopString?: string;
  /** The one that appeared. */
  readonly stopTokenId?: number;
  /** The one that was reached. */
  readonly timeLimit?: keyof TimeLimits;
}

/** Who decided the value of a parameter: the caller, the model's generation_config.json, or this engine. */
export type ParameterSource = 'request' | 'generation_config.json' | 'default';

/** A parameter as it takes effect. */
export interface EffectiveParameter<T> {
  readonly value: T;
  readonly source: ParameterSource;
}

export type EffectiveSampling = {
  readonly [K in keyof SamplingParameters]: EffectiveParameter<SamplingParameters[K]>;
};

/** A prompt as the model reads it. */
export interface RenderedPrompt {
  /** Of a chat, what the template made of it; of token ids, what they say. */
  readonly text: string;
  readonly ids: readonly number[];
  /** What each token says by itself; bytes that are no whole character are `\ufffd`. */
  readonly pieces: readonly string[];
}

/** What `generate` would do with a request. */
export interface Explanation {
  readonly prompt: RenderedPrompt;
  readonly sampling: EffectiveSampling;
  /** Tokens that the context has left for an answer; below 1, there can be none. */
  readonly room: number;
  /** Most tokens of the answer; undefined when it would be refused. */
  readonly maxNewTokens: number | undefined;
  /** Tokens that end an answer. */
  readonly eosIds: readonly number[];
  /** Why it would be refused: nothing is ever cut off to make it fit. */
  readonly refusal: SerializedEngineError | undefined;
}

/** When a request had come how far, in milliseconds of the machine's monotonic clock (`monotonicNow`). */
export interface Timings {
  /** The engine was asked. */
  readonly received: number;
  /** The prompt was tokenized, and the request began to wait for a slot. */
  readonly queued: number;
  /** It had a slot, and its prompt began to be read. */
  readonly started: number;
  /** The first token of the answer was chosen. */
  readonly firstToken: number;
  /** The last token of the answer was chosen. */
  readonly finished: number;
}

export type GenerationEvent =
  /** The prompt is tokenized and accepted. */
  | {
      readonly type: 'start';
      readonly promptTokens: number;
      /** Filled in as the request gets on: tells also of one that does not finish how far it came. */
      readonly timings?: Partial<Timings>;
    }
  /** Whole characters of the answer, and the tokens since the last event; the text may be empty. */
  | {
      readonly type: 'tokens';
      readonly text: string;
      readonly ids: readonly number[];
      /** What each of `ids` added to the text; a single one, if this is left out, all of it. */
      readonly texts?: readonly string[];
      /** One for each of `ids`, when they were asked for. */
      readonly logprobs?: readonly TokenLogprobs[];
      /** One for each token of the prompt but the first, when they were asked for; only before the first of `ids`. */
      readonly promptLogprobs?: readonly TokenLogprobs[];
      /** Whether the answer has no more tokens: a `finish` follows at once. */
      readonly last?: boolean;
    }
  | (Finish & {
      readonly type: 'finish';
      readonly promptTokens: number;
      /** Tokens of the prompt that an earlier one had in common, so that nothing was computed for them. */
      readonly cachedTokens: number;
      /** Tokens of the answer, the end-of-sequence token included. */
      readonly newTokens: number;
      /** How many of them are the thought's, when it was asked for. */
      readonly thoughtTokens?: number;
      readonly timings?: Timings;
    });

/** What one run of the network was, for those who watch. */
export interface StepReport {
  readonly kind: 'prefill' | 'decode';
  /** When it began, and when its tokens were chosen; in milliseconds of the machine's monotonic clock. */
  readonly began: number;
  readonly ended: number;
  /** Sequences that had a part in it. */
  readonly sequences: number;
  /** Tokens that the network took in, those of drafts included. */
  readonly tokens: number;
  /** Tokens that were drafted, and how many of them the answer then had. */
  readonly drafted: number;
  readonly accepted: number;
  /** Tokens of the prompts that have a slot since this step, and how many of those nothing had to be computed for. */
  readonly promptTokens: number;
  readonly cachedTokens: number;
  /** Tokens that were chosen. */
  readonly newTokens: number;
  /** Milliseconds since the answer's token before, for each answer that got another. */
  readonly tokenGaps: readonly number[];
}
