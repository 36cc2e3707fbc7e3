import { BooleanField, CheckedField, StringField } from '../../../common/fastapi/fields.js';
import { TgiParameters } from './parameters.dto.js';

/** The body of `POST /generate_stream`, and one that `POST /generate` takes. */
export class TgiRequest {
  @StringField({
    description: 'What to continue, without a chat template',
    example: 'An Inference Endpoint is',
    minLength: 1,
  })
  inputs!: string;

  // What is in it, TgiBodyPipe checks.
  @CheckedField({
    description: 'How to generate',
    schema: { oneOf: [{ $ref: '#/components/schemas/TgiParameters' }, { type: 'null' }] },
    check: (value) =>
      typeof value === 'object' && !Array.isArray(value)
        ? undefined
        : { type: 'dict_type', msg: 'Input should be an object' },
  })
  parameters?: TgiParameters;
}

/** The body of `POST /`. */
export class TgiCompatRequest extends TgiRequest {
  @BooleanField({ description: 'Whether the answer comes as server-sent events', example: false })
  stream?: boolean;
}
