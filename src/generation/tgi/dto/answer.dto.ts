import { ApiProperty } from '@nestjs/swagger';

export const FINISH_REASONS = ['length', 'eos_token', 'stop_sequence'] as const;
export type TgiFinishReason = (typeof FINISH_REASONS)[number];

const NULLABLE_NUMBER = { oneOf: [{ type: 'number' }, { type: 'null' }] };
const NULLABLE_INTEGER = { oneOf: [{ type: 'integer' }, { type: 'null' }] };

export class PrefillToken {
  @ApiProperty({ description: 'Its id', type: 'integer', minimum: 0, example: 1535 })
  id!: number;

  @ApiProperty({ description: 'What it says', example: 'An' })
  text!: string;

  @ApiProperty({
    ...NULLABLE_NUMBER,
    description: 'Natural logarithm of its probability; null for the first one, and for an impossible one',
    example: -0.5,
  })
  logprob!: number | null;
}

export class Token extends PrefillToken {
  @ApiProperty({ description: 'Whether it is no part of the generated text', example: false })
  special!: boolean;
}

/** What all descriptions of an answer have. */
class AnswerDetails {
  @ApiProperty({ description: 'Why the answer ended', enum: FINISH_REASONS, example: 'length' })
  finish_reason!: TgiFinishReason;

  @ApiProperty({ description: 'Generated tokens, special ones included', type: 'integer', minimum: 1, example: 20 })
  generated_tokens!: number;

  @ApiProperty({
    ...NULLABLE_INTEGER,
    description: 'With it the same answer comes again; null if nothing was drawn at random',
    example: 42,
  })
  seed!: number | null;
}

/** What is told of a complete answer. */
class CompleteDetails extends AnswerDetails {
  @ApiProperty({ description: 'Tokens of the prompt; only with `decoder_input_details`', type: [PrefillToken] })
  prefill!: readonly PrefillToken[];

  @ApiProperty({ description: 'Generated tokens', type: [Token] })
  tokens!: readonly Token[];

  @ApiProperty({
    description: 'The most probable tokens at each place; only with `top_n_tokens`',
    required: false,
    type: 'array',
    items: { type: 'array', items: { $ref: '#/components/schemas/Token' } },
  })
  top_tokens?: readonly (readonly Token[])[];
}

export class BestOfSequence extends CompleteDetails {
  @ApiProperty({ description: 'Its text', example: ' a server.' })
  generated_text!: string;
}

export class Details extends CompleteDetails {
  @ApiProperty({
    description: 'The answers that were less probable; only with `best_of`',
    required: false,
    type: [BestOfSequence],
  })
  best_of_sequences?: readonly BestOfSequence[];
}

/** The answer to `POST /generate`; `POST /` has it in a list. */
export class TgiResponse {
  @ApiProperty({ description: 'The generated text, without special tokens', example: ' a server.' })
  generated_text!: string;

  @ApiProperty({ description: 'Only with `details`', required: false, type: Details })
  details?: Details;

  @ApiProperty({
    description: 'Parameters that had no effect, and why; only when there are any',
    required: false,
    type: [String],
    example: ['parameters.foo is not known here and was ignored'],
  })
  warnings?: readonly string[];
}

/** The description of an answer at the end of a stream. */
export interface StreamDetails extends AnswerDetails {
  readonly input_length: number;
}
