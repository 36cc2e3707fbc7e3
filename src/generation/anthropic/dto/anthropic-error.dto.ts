import { ApiProperty } from '@nestjs/swagger';

export const ERROR_TYPES = [
  'invalid_request_error',
  'authentication_error',
  'not_found_error',
  'request_too_large',
  'rate_limit_error',
  'api_error',
  'overloaded_error',
] as const;
export type ErrorType = (typeof ERROR_TYPES)[number];

export class AnthropicErrorDetail {
  @ApiProperty({ description: 'What went wrong, for programs', enum: ERROR_TYPES, example: 'invalid_request_error' })
  type!: ErrorType;

  @ApiProperty({ description: 'What went wrong, for people', example: 'max_tokens: Field required' })
  message!: string;
}

/** The body of every error of this dialect, and the data of the last event of a stream that fails. */
export class AnthropicErrorBody {
  @ApiProperty({ enum: ['error'], description: 'What this is', example: 'error' })
  type!: 'error';

  @ApiProperty({ description: 'What went wrong', type: AnthropicErrorDetail })
  error!: AnthropicErrorDetail;

  @ApiProperty({ description: 'As in the header `request-id`', example: '6e2b' })
  request_id!: string;
}
