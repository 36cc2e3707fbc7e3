import { ApiProperty } from '@nestjs/swagger';

export class PromptTokensDetails {
  @ApiProperty({
    description: 'Tokens of the prompts that earlier ones had in common, so that nothing was computed for them',
    type: 'integer',
    minimum: 0,
    example: 32,
  })
  cached_tokens!: number;
}

export class CompletionTokensDetails {
  @ApiProperty({ description: 'Tokens of thoughts', type: 'integer', minimum: 0, example: 12 })
  reasoning_tokens!: number;
}

/** What was counted, over all answers of a request. */
export class Usage {
  @ApiProperty({ description: 'Tokens of the prompts', type: 'integer', minimum: 1, example: 40 })
  prompt_tokens!: number;

  @ApiProperty({
    description: 'Generated tokens, the end-of-sequence tokens included',
    type: 'integer',
    minimum: 0,
    example: 39,
  })
  completion_tokens!: number;

  @ApiProperty({ description: 'Both together', type: 'integer', minimum: 1, example: 79 })
  total_tokens!: number;

  @ApiProperty({ description: 'What of the prompts was not computed', type: PromptTokensDetails })
  prompt_tokens_details!: PromptTokensDetails;

  @ApiProperty({
    description: 'What of the generated tokens is no answer; only in a chat with a model that thinks',
    required: false,
    type: CompletionTokensDetails,
  })
  completion_tokens_details?: CompletionTokensDetails;
}
