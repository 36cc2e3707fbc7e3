import { BooleanField, CheckedField, type Fault, IntegerField } from '../../../common/fastapi/fields.js';
import { NOTHING, RefusedField } from '../../../common/fastapi/refused-field.js';
import { checkTokenIds, MAX_ANSWERS, MAX_PROMPT_TOKENS, SamplingRequest, TOKEN_ID } from './sampling-request.dto.js';

/** A text, token ids, or several of one kind. */
export type RequestPrompt = string | string[] | number[] | number[][];

const TOKENS_SCHEMA = { type: 'array', minItems: 1, items: TOKEN_ID };

function checkPrompt(value: unknown): Fault | undefined {
  if (typeof value === 'string') return undefined;
  if (!Array.isArray(value))
    return { type: 'string_type', msg: 'Input should be a string, token ids, or a list of them' };
  if (value.length === 0) return { type: 'too_short', msg: 'List should have at least 1 item' };
  if (typeof value[0] === 'number') return checkTokenIds(value, MAX_PROMPT_TOKENS);
  if (value.length > MAX_ANSWERS) return { type: 'too_long', msg: `List should have at most ${MAX_ANSWERS} prompts` };
  for (const [index, prompt] of value.entries()) {
    const fault =
      typeof prompt === typeof value[0]
        ? checkOne(prompt)
        : { type: 'list_type', msg: 'Prompts should be of one kind' };
    if (fault) return { ...fault, at: [index, ...(fault.at ?? [])] };
  }
  return undefined;
}

function checkOne(prompt: unknown): Fault | undefined {
  return typeof prompt === 'string' ? undefined : checkTokenIds(prompt, MAX_PROMPT_TOKENS);
}

/** The body of `POST /v1/completions`. */
export class CompletionRequest extends SamplingRequest {
  @CheckedField({
    description: 'What to continue, without a chat template: a text, token ids, or a list of either',
    example: 'An Inference Endpoint is',
    required: true,
    schema: {
      oneOf: [
        { type: 'string', minLength: 1 },
        { type: 'array', minItems: 1, maxItems: MAX_ANSWERS, items: { type: 'string', minLength: 1 } },
        TOKENS_SCHEMA,
        { type: 'array', minItems: 1, maxItems: MAX_ANSWERS, items: TOKENS_SCHEMA },
      ],
    },
    check: checkPrompt,
  })
  prompt!: RequestPrompt;

  @IntegerField({
    description: 'How many of the most probable tokens are told at each place, with their log probabilities',
    example: 2,
    ge: 0,
    le: 20,
  })
  logprobs?: number;

  @BooleanField({
    description: 'Whether the tokenizer adds what it was made to add, usually a BOS token in front; true if left out',
    example: true,
  })
  add_special_tokens?: boolean;

  @RefusedField({ type: 'boolean', nullable: true, enum: [false, null] }, (value) => value === false)
  echo?: unknown;

  @RefusedField({ type: 'string', nullable: true, maxLength: 0 }, (value) => value === '')
  suffix?: unknown;

  @RefusedField({ type: 'integer', nullable: true, enum: [1, null] }, (value) => value === 1)
  best_of?: unknown;

  @RefusedField(NOTHING, () => false)
  structured_outputs?: unknown;
}
