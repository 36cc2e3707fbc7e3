import { isObject } from '../../../common/fastapi/checks.js';
import {
  BooleanField,
  CheckedField,
  type Fault,
  IntegerField,
  NumberField,
  StringListField,
} from '../../../common/fastapi/fields.js';

/** Answers that one request may choose the best of. */
export const MAX_BEST_OF = 4;
export const MAX_STOP_SEQUENCES = 16;
export const MAX_TOP_N_TOKENS = 5;
export const DEFAULT_MAX_NEW_TOKENS = 100;

/** What an answer has to be, in the forms that text-generation-inference knows. */
export type TgiGrammar =
  | { readonly type: 'json'; readonly value: Readonly<Record<string, unknown>> | string }
  | { readonly type: 'json_schema'; readonly value: { readonly schema: Readonly<Record<string, unknown>> } }
  | { readonly type: 'regex'; readonly value: string };

const GRAMMAR_SCHEMA = {
  oneOf: [
    {
      type: 'object',
      required: ['type', 'value'],
      properties: { type: { type: 'string', enum: ['json'] }, value: { type: 'object' } },
    },
    {
      type: 'object',
      required: ['type', 'value'],
      properties: {
        type: { type: 'string', enum: ['json_schema'] },
        value: { type: 'object', required: ['schema'], properties: { schema: { type: 'object' } } },
      },
    },
    {
      type: 'object',
      required: ['type', 'value'],
      properties: { type: { type: 'string', enum: ['regex'] }, value: { type: 'string', minLength: 1 } },
    },
    { type: 'null' },
  ],
};

function checkGrammar(grammar: unknown): Fault | undefined {
  if (!isObject(grammar)) return { type: 'dict_type', msg: 'Input should be an object with type and value' };
  const { type, value } = grammar;
  switch (type) {
    case 'json':
      // A schema may be written as a text.
      if (isObject(value) || typeof value === 'string') return undefined;
      return { type: 'dict_type', msg: 'Input should be a JSON Schema', at: ['value'] };
    case 'json_schema':
      if (isObject(value) && isObject(value.schema)) return undefined;
      return { type: 'dict_type', msg: 'Input should be an object with a JSON Schema as schema', at: ['value'] };
    case 'regex':
      if (typeof value === 'string' && value !== '') return undefined;
      return { type: 'string_type', msg: 'Input should be a regular expression', at: ['value'] };
    default:
      return { type: 'enum', msg: 'Input should be json, json_schema or regex', at: ['type'] };
  }
}

function notSupported(what: string): Fault {
  return { type: 'not_supported', msg: `This server has no ${what}` };
}

/**
 * What text-generation-inference calls parameters. What is left out has its defaults, not those of the model's
 * generation_config.json.
 */
export class TgiParameters {
  @IntegerField({
    description: 'Generate so many answers and take the one whose tokens are the most probable on average',
    example: 1,
    ge: 1,
    le: MAX_BEST_OF,
  })
  best_of?: number;

  @BooleanField({
    description:
      'Whether tokens are drawn at random. They are in any case when `temperature`, `top_k`, `top_p` or `typical_p` ask ' +
      'for it, or when there are no `parameters`; otherwise the most probable one is taken',
    example: false,
  })
  do_sample?: boolean;

  @NumberField({ description: 'Randomness of the answer', example: 0.7, positive: true })
  temperature?: number;

  @IntegerField({
    description: 'Draw only from this many of the most probable tokens',
    example: 50,
    ge: 1,
    le: 1_000_000,
  })
  top_k?: number;

  @NumberField({
    description: 'Draw only from the most probable tokens whose probabilities reach this sum',
    example: 0.95,
    positive: true,
    le: 1,
  })
  top_p?: number;

  @NumberField({
    description: 'Draw only from the tokens nearest to what is to be expected, whose probabilities reach this sum',
    example: 0.95,
    positive: true,
    le: 1,
  })
  typical_p?: number;

  @NumberField({
    description: 'Above 1, tokens that the prompt or the answer already has become less probable',
    example: 1.1,
    positive: true,
  })
  repetition_penalty?: number;

  @NumberField({
    description: 'Taken from the logits of tokens as many times as the answer has them',
    example: 0,
    ge: -2,
    le: 2,
  })
  frequency_penalty?: number;

  @IntegerField({
    description: `Upper bound on generated tokens; ${DEFAULT_MAX_NEW_TOKENS}, or what fits, if left out`,
    example: 20,
    ge: 1,
    le: Number.MAX_SAFE_INTEGER,
  })
  max_new_tokens?: number;

  @StringListField({
    description: 'The answer ends with the first of these that it contains',
    example: ['photographer'],
    maxItems: MAX_STOP_SEQUENCES,
  })
  stop?: string[];

  @IntegerField({
    description: 'The same seed and request give the same answer',
    example: 42,
    ge: 0,
    le: Number.MAX_SAFE_INTEGER,
  })
  seed?: number;

  @BooleanField({ description: 'Whether the prompt stands before the generated text', example: false })
  return_full_text?: boolean;

  @IntegerField({
    description: 'Of a prompt of more tokens than this, only the last ones are read',
    example: 1000,
    ge: 1,
    le: Number.MAX_SAFE_INTEGER,
  })
  truncate?: number;

  @BooleanField({ description: 'Whether the answer is described: its tokens, and why it ended', example: true })
  details?: boolean;

  @BooleanField({
    description: 'Whether the tokens of the prompt are told, and how probable they were. Not in streams',
    example: false,
  })
  decoder_input_details?: boolean;

  @IntegerField({
    description: 'How many of the most probable tokens are told at each place',
    example: 2,
    ge: 0,
    le: MAX_TOP_N_TOKENS,
  })
  top_n_tokens?: number;

  @CheckedField({
    description: 'What the answer has to be: JSON of a schema, or text that a regular expression matches',
    example: null,
    schema: GRAMMAR_SCHEMA,
    check: checkGrammar,
  })
  grammar?: TgiGrammar;

  @CheckedField({
    description: 'Not supported: there are no watermarks',
    schema: { type: 'boolean', nullable: true, enum: [false, null] },
    check: (value) => (value === false ? undefined : notSupported('watermarks')),
  })
  watermark?: false;

  @CheckedField({
    description: 'Not supported: there are no adapters',
    schema: { type: 'null' },
    check: () => notSupported('adapters'),
  })
  adapter_id?: null;
}
