import { ApiProperty } from '@nestjs/swagger';
import { ChoiceBase, CompleteAnswerBase, promptTokenIds } from './answer.dto.js';

/** Log probabilities, each list with one entry for each generated token. */
export class CompletionLogprobs {
  @ApiProperty({ description: 'What the tokens say', type: [String], example: [' a'] })
  tokens!: string[];

  @ApiProperty({ description: 'Natural logarithms of their probabilities', type: [Number], example: [-0.5] })
  token_logprobs!: number[];

  @ApiProperty({
    description: 'The most probable tokens in each place and the one that was chosen, with their log probabilities',
    type: 'array',
    items: { type: 'object', additionalProperties: { type: 'number' } },
    example: [{ ' a': -0.5 }],
  })
  top_logprobs!: Record<string, number>[];

  @ApiProperty({
    description: 'Where in the text the tokens begin, in characters',
    type: 'array',
    items: { type: 'integer' },
    example: [0],
  })
  text_offset!: number[];
}

export class CompletionChoice extends ChoiceBase {
  @ApiProperty({ description: 'The generated text, without special tokens', example: ' a server.' })
  text!: string;

  @ApiProperty({
    description: 'Only with `logprobs`, else null',
    oneOf: [{ $ref: '#/components/schemas/CompletionLogprobs' }, { type: 'null' }],
  })
  logprobs!: CompletionLogprobs | null;

  @promptTokenIds()
  prompt_token_ids?: readonly number[];
}

/** The answer to `POST /v1/completions`. */
export class Completion extends CompleteAnswerBase {
  @ApiProperty({ description: 'What this is', enum: ['text_completion'], example: 'text_completion' })
  object!: 'text_completion';

  @ApiProperty({
    description: 'As many as `n` says for each prompt, in their order',
    type: [CompletionChoice],
  })
  choices!: CompletionChoice[];
}
