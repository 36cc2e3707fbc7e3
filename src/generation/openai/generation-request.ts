import type { GenerationRequest, ModelInfo, SamplingRequest as Sampling } from '../../inference/inference-provider.js';
import { MAX_ANSWERS, type SamplingRequest } from './dto/sampling-request.dto.js';
import { wrongParameter } from '../../common/fastapi/validation-fault.js';

/** How long answers may be, and what is told of their tokens: the routes have names of their own for these. */
export interface AnswerLimits {
  /** Most tokens of an answer, if the client says so. */
  readonly maxNewTokens: number | undefined;
  /** If it does not, and that many fit; undefined for as many as fit. */
  readonly defaultMaxNewTokens?: number;
  readonly logprobs: number | undefined;
}

/**
 * What decorators cannot check: parameters that do not go together, or not with this model.
 *
 * @throws {RequestValidationError}
 */
export function checkTogether(
  request: SamplingRequest,
  { maxNewTokens }: AnswerLimits,
  { vocabSize }: ModelInfo,
  prompts: number,
): void {
  const { stream, stream_options: streamOptions, n = 1, min_tokens: minTokens = 0 } = request;
  if (streamOptions && !stream) throw wrongParameter('stream_options', 'Only with stream', streamOptions);
  if (prompts * n > MAX_ANSWERS) {
    throw wrongParameter('n', `${prompts} prompts with ${n} answers each are more than ${MAX_ANSWERS}`, n);
  }
  if (minTokens > (maxNewTokens ?? Infinity)) {
    throw wrongParameter('min_tokens', `Input should be at most max_tokens, ${maxNewTokens}`, minTokens);
  }
  for (const [param, ids] of [
    ['stop_token_ids', request.stop_token_ids ?? []],
    ['logit_bias', Object.keys(request.logit_bias ?? {}).map(Number)],
  ] as const) {
    const unknown = ids.find((id) => id >= vocabSize);
    if (unknown === undefined) continue;
    throw wrongParameter(param, `There is no token ${unknown}: the model has 0 to ${vocabSize - 1}`, unknown);
  }
}

/**
 * The requests for the answers to one prompt, `n` of them.
 *
 * @param room tokens that the context has left
 */
export function toGenerationRequests(
  request: SamplingRequest,
  { maxNewTokens, defaultMaxNewTokens, logprobs }: AnswerLimits,
  ids: readonly number[],
  room: number,
): GenerationRequest[] {
  const byDefault = defaultMaxNewTokens && Math.max(1, Math.min(defaultMaxNewTokens, room));
  return Array.from({ length: request.n ?? 1 }, (_, index) => ({
    prompt: { kind: 'tokens', ids },
    maxNewTokens: maxNewTokens ?? byDefault,
    sampling: toSampling(request),
    seed: seedOf(request.seed, index),
    stop: request.stop,
    stopTokenIds: request.stop_token_ids,
    minTokens: request.min_tokens,
    ignoreEos: request.ignore_eos,
    skipSpecialTokens: request.skip_special_tokens,
    logprobs,
  }));
}

function toSampling(request: SamplingRequest): Sampling {
  const { top_k: topK, logit_bias: bias } = request;
  return {
    temperature: request.temperature,
    topP: request.top_p,
    // In vLLM, -1 is for all; here 0 is.
    topK: topK === -1 ? 0 : topK,
    minP: request.min_p,
    repetitionPenalty: request.repetition_penalty,
    presencePenalty: request.presence_penalty,
    frequencyPenalty: request.frequency_penalty,
    logitBias: bias && new Map(Object.entries(bias).map(([id, value]) => [Number(id), value])),
  };
}

/** Every answer has a seed of its own, the first that of the request. Towards zero, a number stays exact. */
function seedOf(seed: number | undefined, index: number): number | undefined {
  if (seed === undefined) return undefined;
  return seed > 0 ? seed - index : seed + index;
}
