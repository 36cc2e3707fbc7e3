import { randomInt } from 'node:crypto';
import { RequestValidationError } from '../../common/fastapi/validation-fault.js';
import type { GenerationRequest, Grammar, SamplingRequest } from '../../inference/inference-provider.js';
import { DEFAULT_MAX_NEW_TOKENS, type TgiGrammar, type TgiParameters } from './dto/parameters.dto.js';

/** What there is to say about an answer before its prompt is read. */
export interface AnswerPlan {
  /** How it is generated; without a prompt, a length and a seed. */
  readonly options: Omit<GenerationRequest, 'prompt'>;
  /** One for each answer that is generated; null when nothing is drawn at random. */
  readonly seeds: readonly (number | null)[];
}

/** Seeds of our own are below this, as much as `randomInt` can do. */
const SEEDS = 2 ** 48 - 1;

/**
 * Turns parameters into requests for answers, and checks what decorators cannot.
 *
 * @param parameters undefined if the client sent none: then tokens are drawn at random
 * @throws {RequestValidationError}
 */
export function planAnswers(parameters: TgiParameters | undefined, stream: boolean): AnswerPlan {
  const given: TgiParameters = parameters ?? { do_sample: true };
  const samples = drawsAtRandom(given);
  checkTogether(given, stream, samples);
  const { best_of: count = 1, seed } = given;
  return {
    options: {
      sampling: toSampling(given, samples),
      stop: given.stop,
      logprobs: given.top_n_tokens ?? 0,
      promptLogprobs: given.decoder_input_details ? 0 : undefined,
      grammar: given.grammar && toGrammar(given.grammar),
    },
    seeds: Array.from({ length: count }, () => (samples ? (seed ?? randomInt(SEEDS)) : null)),
  };
}

/**
 * The requests for the answers to a prompt.
 *
 * @param room tokens that the context has left
 */
export function toGenerationRequests(
  { options, seeds }: AnswerPlan,
  maxNewTokens: number | undefined,
  ids: readonly number[],
  room: number,
): GenerationRequest[] {
  return seeds.map((seed) => ({
    ...options,
    prompt: { kind: 'tokens', ids },
    maxNewTokens: maxNewTokens ?? Math.max(1, Math.min(DEFAULT_MAX_NEW_TOKENS, room)),
    seed: seed ?? undefined,
  }));
}

/** When asked to, or to do anything that only has a meaning then. */
function drawsAtRandom({
  do_sample: doSample = false,
  temperature = 1,
  top_k: topK,
  top_p: topP = 1,
  typical_p: typicalP = 1,
}: TgiParameters): boolean {
  return doSample || temperature !== 1 || topK !== undefined || topP !== 1 || typicalP !== 1;
}

/** Neither temperature nor cuts but those of the request, whatever the model's generation_config.json says. */
function toSampling(given: TgiParameters, samples: boolean): SamplingRequest {
  const penalties = {
    repetitionPenalty: given.repetition_penalty ?? 1,
    frequencyPenalty: given.frequency_penalty ?? 0,
    presencePenalty: 0,
  };
  // In the engine's terms, the most probable token.
  if (!samples) return { ...penalties, temperature: 0 };
  return {
    ...penalties,
    temperature: given.temperature ?? 1,
    topK: given.top_k ?? 0,
    topP: given.top_p ?? 1,
    minP: 0,
    typicalP: given.typical_p ?? 1,
  };
}

function checkTogether(given: TgiParameters, stream: boolean, samples: boolean): void {
  const { best_of: bestOf = 1, seed } = given;
  if (bestOf > 1) {
    if (stream) throw wrongParameter('best_of', 'Not in a stream', bestOf);
    if (!samples) throw wrongParameter('best_of', 'Only with sampling: all answers would be the same', bestOf);
    if (seed !== undefined) throw wrongParameter('seed', 'Not with best_of: every answer has a seed of its own', seed);
  }
  if (stream && given.decoder_input_details) {
    throw wrongParameter('decoder_input_details', 'Not in a stream', true);
  }
}

/** @throws {RequestValidationError} for a JSON Schema, written as a text, that is no JSON */
function toGrammar({ type, value }: TgiGrammar): Grammar {
  switch (type) {
    case 'regex':
      return { kind: 'regex', pattern: value };
    case 'json_schema':
      return { kind: 'json_schema', schema: value.schema };
    case 'json':
      return { kind: 'json_schema', schema: typeof value === 'string' ? parseSchema(value) : value };
  }
}

function parseSchema(text: string): Record<string, unknown> {
  let schema: unknown;
  try {
    schema = JSON.parse(text);
  } catch {
    schema = undefined;
  }
  if (typeof schema === 'object' && schema !== null && !Array.isArray(schema)) return schema as Record<string, unknown>;
  throw wrongParameter('grammar', 'The value should be a JSON Schema, or the text of one', text);
}

/** Parameters that are right by themselves, but not together. */
function wrongParameter(param: string, msg: string, input: unknown): RequestValidationError {
  return new RequestValidationError([{ type: 'value_error', loc: ['body', 'parameters', param], msg, input }]);
}
