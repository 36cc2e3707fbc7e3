import { ApiProperty } from '@nestjs/swagger';

/** One thing that is wrong with a request, as FastAPI (by way of pydantic) reports it. */
export class ValidationFault {
  @ApiProperty({ description: 'What is wrong, for programs', example: 'less_than_equal' })
  type!: string;

  @ApiProperty({
    description: 'Where: `body`, then the field',
    type: 'array',
    items: { oneOf: [{ type: 'string' }, { type: 'integer' }] },
    example: ['body', 'max_new_tokens'],
  })
  loc!: (string | number)[];

  @ApiProperty({ description: 'What is wrong, for people', example: 'Input should be less than or equal to 512' })
  msg!: string;

  @ApiProperty({
    description: 'The value that was sent',
    anyOf: [
      ...['string', 'number', 'boolean', 'object', 'null'].map((type) => ({ type })),
      { type: 'array', items: {} },
    ],
    example: 1000,
  })
  input!: unknown;

  @ApiProperty({
    description: 'Numbers and words that the message is made of',
    required: false,
    type: Object,
    example: { le: 512 },
  })
  ctx?: Record<string, unknown>;
}

/** The body of a 422. */
export class ValidationErrorBody {
  @ApiProperty({ description: 'One entry for each fault', type: [ValidationFault] })
  detail!: ValidationFault[];
}

/** The body of every other error. */
export class ErrorBody {
  @ApiProperty({ description: 'What went wrong', example: 'Model not loaded' })
  detail!: string;
}

/** For parameters that are right by themselves, but not together or not for this model. */
export function wrongParameter(param: string, message: string, input: unknown): RequestValidationError {
  return new RequestValidationError([{ type: 'value_error', loc: ['body', param], msg: message, input }]);
}

/** Thrown for a request that cannot be accepted; carries every fault that was found. */
export class RequestValidationError extends Error {
  override readonly name = 'RequestValidationError';

  constructor(readonly faults: readonly ValidationFault[]) {
    super(faults.map(({ loc, msg }) => `${loc.join('.')}: ${msg}`).join('; '));
  }
}
