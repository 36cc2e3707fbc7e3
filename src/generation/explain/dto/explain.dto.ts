import { ApiProperty } from '@nestjs/swagger';
import { checkObject, checkString } from '../../../common/fastapi/checks.js';
import { CheckedField } from '../../../common/fastapi/fields.js';
import type { ParameterSource } from '../../../inference/inference-provider.js';

/** The body of `POST /v1/explain`. */
export class ExplainRequest {
  @CheckedField({
    description: 'The path of a route that generates',
    example: '/v1/chat/completions',
    required: true,
    schema: { type: 'string' },
    check: checkString,
  })
  route!: string;

  @CheckedField({
    description: 'The body as it would be sent there',
    example: { messages: [{ role: 'user', content: 'What is an Inference Endpoint?' }] },
    required: true,
    schema: { type: 'object', additionalProperties: true },
    check: checkObject,
  })
  request!: Readonly<Record<string, unknown>>;
}

const NULL = { type: 'null' };
const IDS = { type: 'array', items: { type: 'integer' } } as const;
const VALUE = {
  oneOf: [{ type: 'number' }, { type: 'boolean' }, { type: 'object', additionalProperties: true }, NULL],
};

export class EffectiveValue {
  @ApiProperty({ ...VALUE, description: 'What takes effect; null for none', example: 0.7 })
  value!: number | boolean | Record<string, number> | null;

  @ApiProperty({
    description: 'Who decided it',
    enum: ['request', 'generation_config.json', 'default'],
    example: 'request',
  })
  source!: ParameterSource;
}

export class ExplainedToken {
  @ApiProperty({ description: 'Its id', type: 'integer', example: 1535 })
  id!: number;

  @ApiProperty({ description: 'What it says; bytes that are no whole character are `�`', example: 'An' })
  text!: string;
}

/** What becomes of one prompt. */
export class ExplainedPrompt {
  @ApiProperty({ description: 'As the chat template renders it, or as it was sent', example: 'An' })
  text!: string;

  @ApiProperty({ description: 'What the model reads', type: [ExplainedToken] })
  tokens!: ExplainedToken[];

  @ApiProperty({ description: 'How many these are', type: 'integer', minimum: 0, example: 1 })
  token_count!: number;

  @ApiProperty({
    description: 'Tokens at the beginning of the prompt that are not read, since the request has `truncate`',
    type: 'integer',
    minimum: 0,
    example: 0,
  })
  truncated!: number;

  @ApiProperty({ description: 'Tokens that the context has left for the answer', type: 'integer', minimum: 0 })
  room!: number;

  @ApiProperty({ description: 'Most tokens of an answer; null if it would be refused', type: EffectiveValue })
  max_new_tokens!: EffectiveValue;

  @ApiProperty({ description: 'How many answers there would be', type: 'integer', minimum: 1, example: 1 })
  answers!: number;

  @ApiProperty({
    description: 'Why it would be refused: nothing is ever cut off to make it fit',
    oneOf: [{ type: 'string' }, NULL],
    example: null,
  })
  refusal!: string | null;
}

export class ExplainedStop {
  @ApiProperty({ description: 'Texts that end the answer', type: [String], example: [] })
  strings!: readonly string[];

  @ApiProperty({ ...IDS, description: 'Tokens that end it, if asked for', example: [] })
  token_ids!: readonly number[];

  @ApiProperty({ ...IDS, description: 'The model’s own; none where they are ignored', example: [2] })
  end_of_sequence_ids!: readonly number[];

  @ApiProperty({ description: 'Before the answer has so many tokens, none of them comes', type: 'integer', example: 0 })
  min_tokens!: number;
}

/** The answer to `POST /v1/explain`. */
export class ExplainResponse {
  @ApiProperty({ description: 'As in the request', example: '/v1/chat/completions' })
  route!: string;

  @ApiProperty({ description: 'The model that would answer', example: 'demo' })
  model!: string;

  @ApiProperty({ description: 'Stands for model, quantization and version', example: 'fp_44709d6fcb83' })
  system_fingerprint!: string;

  @ApiProperty({ description: 'Tokens of prompt and answer together', type: 'integer', minimum: 1, example: 2048 })
  context_length!: number;

  @ApiProperty({ description: 'The prompts, of which most routes have one', type: [ExplainedPrompt] })
  prompts!: ExplainedPrompt[];

  @ApiProperty({
    description: 'How tokens would be chosen, and who decided it',
    type: 'object',
    additionalProperties: { $ref: '#/components/schemas/EffectiveValue' },
  })
  sampling!: Record<string, EffectiveValue>;

  @ApiProperty({ description: 'What would end an answer, beside its length', type: ExplainedStop })
  stop!: ExplainedStop;

  @ApiProperty({
    description: 'What an answer would have to be; null for anything',
    oneOf: [{ type: 'object', additionalProperties: true }, NULL],
    example: null,
  })
  grammar!: Record<string, unknown> | null;

  @ApiProperty({
    description: 'The text after which the grammar would begin; null for from the first token on',
    oneOf: [{ type: 'string' }, NULL],
    example: null,
  })
  grammar_after!: string | null;

  @ApiProperty({ description: 'Parameters that would have no effect, or less than was asked for', type: [String] })
  warnings!: readonly string[];
}
