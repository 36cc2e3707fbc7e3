import { EngineError } from './errors.js';
import type { SamplingRequest } from './sampling/sampling-parameters.js';
import type { GenerationRequest } from './types.js';

const MAX_LOGPROBS = 20;
/** OpenAI's limits, which vLLM has too. */
const MAX_PENALTY = 2;
const MAX_BIAS = 100;

/**
 * Refuses a request whose parameters have values that mean nothing, before anything is done about it.
 *
 * @throws {EngineError} request_invalid, naming the parameter, its value and what is allowed
 */
export function checkRequest(request: GenerationRequest, vocabSize: number): void {
  const { maxNewTokens, minTokens, seed, stopTokenIds, logprobs, promptLogprobs } = request;
  checkWhole('maxNewTokens', maxNewTokens, 1, Number.MAX_SAFE_INTEGER);
  checkWhole('minTokens', minTokens, 0, maxNewTokens ?? Number.MAX_SAFE_INTEGER);
  checkWhole('seed', seed, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
  checkWhole('logprobs', logprobs, 0, MAX_LOGPROBS);
  const { opening = [], limit } = request.thought ?? {};
  for (const id of opening) checkWhole('a token of thought.opening', id, 0, vocabSize - 1);
  checkWhole('thought.limit.maxTokens', limit?.maxTokens, 0, Number.MAX_SAFE_INTEGER);
  for (const id of limit?.closing ?? []) checkWhole('a token of thought.limit.closing', id, 0, vocabSize - 1);
  checkWhole('promptLogprobs', promptLogprobs, 0, MAX_LOGPROBS);
  for (const id of stopTokenIds ?? []) checkWhole('stopTokenIds', id, 0, vocabSize - 1);
  for (const [name, limit] of Object.entries(request.timeLimits ?? {}) as [string, number | undefined][]) {
    checkNumber(`timeLimits.${name}`, limit, 'at least 0', (value) => value >= 0);
  }
  checkSampling(request.sampling ?? {}, vocabSize);
}

function checkSampling(sampling: SamplingRequest, vocabSize: number): void {
  const { temperature, topK, topP, minP, typicalP } = sampling;
  const { repetitionPenalty, presencePenalty, frequencyPenalty, logitBias } = sampling;
  checkNumber('temperature', temperature, 'at least 0', (value) => value >= 0);
  checkWhole('topK', topK, 0, Number.MAX_SAFE_INTEGER);
  checkNumber('topP', topP, 'above 0 and at most 1', (value) => value > 0 && value <= 1);
  checkRange('minP', minP, 0, 1);
  checkNumber('typicalP', typicalP, 'above 0 and at most 1', (value) => value > 0 && value <= 1);
  checkNumber('repetitionPenalty', repetitionPenalty, 'above 0', (value) => value > 0);
  checkRange('presencePenalty', presencePenalty, -MAX_PENALTY, MAX_PENALTY);
  checkRange('frequencyPenalty', frequencyPenalty, -MAX_PENALTY, MAX_PENALTY);
  for (const [id, bias] of logitBias ?? []) {
    checkWhole('a token of logitBias', id, 0, vocabSize - 1);
    checkRange(`logitBias of token ${id}`, bias, -MAX_BIAS, MAX_BIAS);
  }
}

function checkWhole(name: string, value: number | undefined, least: number, most: number): void {
  const allowed = `a whole number from ${least} to ${most}`;
  checkNumber(name, value, allowed, (given) => Number.isInteger(given) && given >= least && given <= most);
}

function checkRange(name: string, value: number | undefined, least: number, most: number): void {
  checkNumber(name, value, `from ${least} to ${most}`, (given) => given >= least && given <= most);
}

/** A number that is not finite is never allowed. */
function checkNumber(
  name: string,
  value: number | undefined,
  allowed: string,
  isAllowed: (value: number) => boolean,
): void {
  if (value === undefined || (Number.isFinite(value) && isAllowed(value))) return;
  throw new EngineError('request_invalid', `${name} is ${value}, but must be ${allowed}`);
}
