import {
  BooleanField,
  CheckedField,
  type Fault,
  IntegerField,
  NumberField,
  StringListField,
} from '../../../common/fastapi/fields.js';
import {
  checkResponseFormat,
  checkStructuredOutputs,
  RESPONSE_FORMAT_SCHEMA,
  type ResponseFormat,
  STRUCTURED_OUTPUTS_SCHEMA,
  type StructuredOutputs,
} from '../../structured-outputs.js';

/** Answers that one request may ask for. */
export const MAX_ANSWERS = 128;
/** Longer prompts fit into no context; what fits into this model's, the engine says. */
export const MAX_PROMPT_TOKENS = 10_000_000;
const MAX_STOP_TOKENS = 1024;
const MAX_BIASES = 1024;
/** For the document. */
export const TOKEN_ID = { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER } as const;

/** A list of token ids; whether the model has them all, the mapper checks. */
export function checkTokenIds(value: unknown, most: number): Fault | undefined {
  if (!Array.isArray(value)) return { type: 'list_type', msg: 'Input should be a valid list' };
  if (value.length > most) return { type: 'too_long', msg: `List should have at most ${most} items` };
  const wrong = value.findIndex((id) => !Number.isSafeInteger(id) || (id as number) < 0);
  return wrong < 0 ? undefined : { type: 'int_type', msg: 'Input should be a token id', at: [wrong] };
}

function checkLogitBias(value: unknown): Fault | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { type: 'dict_type', msg: 'Input should be an object of token ids with a bias each' };
  }
  const entries = Object.entries(value);
  if (entries.length > MAX_BIASES) return { type: 'too_long', msg: `Input should have at most ${MAX_BIASES} tokens` };
  for (const [id, bias] of entries) {
    if (!/^\d{1,9}$/.test(id)) return { type: 'int_parsing', msg: 'Input should be a token id', at: [id] };
    if (typeof bias !== 'number' || !(bias >= -100 && bias <= 100)) {
      return { type: 'float_type', msg: 'Input should be a number from -100 to 100', at: [id] };
    }
  }
  return undefined;
}

function checkStreamOptions(value: unknown): Fault | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { type: 'dict_type', msg: 'Input should be an object' };
  }
  const { include_usage: includeUsage = null } = value as { include_usage?: unknown };
  if (includeUsage === null || typeof includeUsage === 'boolean') return undefined;
  return { type: 'bool_type', msg: 'Input should be a valid boolean', at: ['include_usage'] };
}

/** How to stream. */
export interface StreamOptions {
  readonly include_usage?: boolean | null;
}

/**
 * What both routes take: OpenAI's parameters and, from `top_k` on, those that vLLM adds. What is left out, the model's
 * generation_config.json decides.
 */
export class SamplingRequest {
  // Checked by the service, which knows the name.
  @CheckedField({
    description: 'The model, as `GET /v1/models` names it. There is only one, so it may be left out',
    schema: { type: 'string', nullable: true },
    check: (value) =>
      typeof value === 'string' ? undefined : { type: 'string_type', msg: 'Input should be a string' },
  })
  model?: string;

  @IntegerField({ description: 'How many answers; 1 if left out', example: 1, ge: 1, le: MAX_ANSWERS })
  n?: number;

  @IntegerField({ description: 'Upper bound on generated tokens', example: 64, ge: 1, le: Number.MAX_SAFE_INTEGER })
  max_tokens?: number;

  @NumberField({
    description: 'Randomness: 0 always takes the most probable token',
    example: 0.7,
    ge: 0,
    le: 2,
  })
  temperature?: number;

  @NumberField({
    description: 'Draw only from the most probable tokens whose probabilities reach this sum',
    example: 0.95,
    positive: true,
    le: 1,
  })
  top_p?: number;

  @NumberField({ description: 'Taken from the logits of tokens that the answer has', example: 0, ge: -2, le: 2 })
  presence_penalty?: number;

  @NumberField({
    description: 'Taken from the logits of tokens as many times as the answer has them',
    example: 0,
    ge: -2,
    le: 2,
  })
  frequency_penalty?: number;

  @CheckedField({
    description: 'Added to the logits of tokens: an object of token ids with a number from -100 to 100 each',
    example: {},
    schema: {
      type: 'object',
      nullable: true,
      maxProperties: MAX_BIASES,
      propertyNames: { pattern: '^[0-9]{1,9}$' },
      additionalProperties: { type: 'number', minimum: -100, maximum: 100 },
    } as never,
    check: checkLogitBias,
  })
  logit_bias?: Readonly<Record<string, number>>;

  @StringListField({
    description: 'One string or several: the answer ends before the first of them that it would contain',
    example: ['END'],
    maxItems: 16,
  })
  stop?: string[];

  @IntegerField({
    description: 'The same seed and request give the same answer',
    example: 42,
    ge: Number.MIN_SAFE_INTEGER,
    le: Number.MAX_SAFE_INTEGER,
  })
  seed?: number;

  @BooleanField({ description: 'Whether the answer comes as server-sent events', example: false })
  stream?: boolean;

  @CheckedField({
    description: '`include_usage`: whether a last chunk says what was counted',
    schema: { type: 'object', nullable: true, properties: { include_usage: { type: 'boolean', nullable: true } } },
    check: checkStreamOptions,
  })
  stream_options?: StreamOptions;

  @IntegerField({
    description: 'Draw only from this many of the most probable tokens; 0 or -1 for all',
    example: 50,
    ge: -1,
    le: 1_000_000,
  })
  top_k?: number;

  @NumberField({
    description: 'Draw only from tokens at least this fraction as probable as the most probable one',
    example: 0.05,
    ge: 0,
    le: 1,
  })
  min_p?: number;

  @NumberField({
    description: 'Above 1, tokens that the prompt or the answer already has become less probable; 1 for none',
    example: 1.1,
    positive: true,
    le: 100,
  })
  repetition_penalty?: number;

  @IntegerField({
    description: 'Before the answer has so many tokens, none that would end it is chosen',
    example: 0,
    ge: 0,
    le: Number.MAX_SAFE_INTEGER,
  })
  min_tokens?: number;

  @BooleanField({ description: 'Whether the answer goes on after an end-of-sequence token', example: false })
  ignore_eos?: boolean;

  @CheckedField({
    description: 'Tokens that end the answer as an end-of-sequence token does',
    example: [],
    schema: { type: 'array', nullable: true, maxItems: MAX_STOP_TOKENS, items: TOKEN_ID },
    check: (value) => checkTokenIds(value, MAX_STOP_TOKENS),
  })
  stop_token_ids?: number[];

  @NumberField({
    description:
      'Seconds that the answer may take: then it ends with what there is, with `finish_reason` "length" and `stop_reason` "timeout"',
    example: 30,
    positive: true,
    le: 86_400,
  })
  timeout?: number;

  @BooleanField({ description: 'Whether special tokens have no text; true if left out', example: true })
  skip_special_tokens?: boolean;

  @BooleanField({
    description: 'Whether the token ids of prompt and answer are told: `prompt_token_ids`, `token_ids`',
    example: false,
  })
  return_token_ids?: boolean;

  @CheckedField({
    description:
      'What the answer has to be: `json_object`, or `json_schema` with a JSON Schema, which is enforced whatever `strict` says',
    schema: RESPONSE_FORMAT_SCHEMA as never,
    check: checkResponseFormat,
  })
  response_format?: ResponseFormat | null;

  @CheckedField({
    description:
      'What the answer has to be, as in vLLM: a JSON Schema (`json`), `json_object`, `regex`, one `choice` of several, or a `grammar` in GBNF',
    schema: STRUCTURED_OUTPUTS_SCHEMA as never,
    check: checkStructuredOutputs,
  })
  structured_outputs?: StructuredOutputs | null;
}
