import { ApiProperty } from '@nestjs/swagger';

/** The answer to `POST /generate`. */
export class GenerateResponse {
  @ApiProperty({
    description: 'The generated text, without special tokens',
    example: 'An Inference Endpoint is a server that loads a model and answers requests over HTTP.',
  })
  response!: string;

  @ApiProperty({
    description: 'Tokens of the prompt, after the chat template',
    type: 'integer',
    minimum: 1,
    example: 40,
  })
  input_token_count!: number;

  @ApiProperty({
    description: 'Tokens that were generated, the end-of-sequence token included',
    type: 'integer',
    minimum: 0,
    example: 39,
  })
  output_token_count!: number;
}
