import { ApiProperty } from '@nestjs/swagger';

export const ERROR_TYPES = [
  'validation',
  'generation',
  'incomplete_generation',
  'overloaded',
  'model_not_loaded',
  'draining',
  'unauthorized',
] as const;
export type TgiErrorType = (typeof ERROR_TYPES)[number];

/** The body of every error of this dialect, and the last event of a stream that fails. */
export class TgiErrorBody {
  @ApiProperty({
    description: 'What went wrong, for people',
    example: 'Input validation error: parameters.top_p: Input should be less than or equal to 1',
  })
  error!: string;

  @ApiProperty({ description: 'What went wrong, for programs', enum: ERROR_TYPES, example: 'validation' })
  error_type!: TgiErrorType;
}
