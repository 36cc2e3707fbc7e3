import { ApiProperty } from '@nestjs/swagger';

const NULLABLE_STRING = { oneOf: [{ type: 'string' }, { type: 'null' }] };

export class OpenAiErrorDetail {
  @ApiProperty({ description: 'What went wrong, for people', example: 'temperature: Input should be …' })
  message!: string;

  @ApiProperty({
    description: 'Whose fault it is',
    enum: ['invalid_request_error', 'rate_limit_error', 'server_error'],
    example: 'invalid_request_error',
  })
  type!: 'invalid_request_error' | 'rate_limit_error' | 'server_error';

  @ApiProperty({ ...NULLABLE_STRING, description: 'The parameter that is wrong', example: 'temperature' })
  param!: string | null;

  @ApiProperty({ ...NULLABLE_STRING, description: 'What went wrong, for programs', example: 'context_length_exceeded' })
  code!: string | null;
}

/** The body of every error of this dialect, and the last event of a stream that fails. */
export class OpenAiErrorBody {
  @ApiProperty({ description: 'What went wrong', type: OpenAiErrorDetail })
  error!: OpenAiErrorDetail;
}
