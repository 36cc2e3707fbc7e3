import { ApiProperty } from '@nestjs/swagger';
import { BooleanField, CheckedField } from '../../../common/fastapi/fields.js';
import { checkMessages, MESSAGES_SCHEMA, type RequestMessage } from '../messages.js';
import { checkTokenIds, MAX_PROMPT_TOKENS, TOKEN_ID } from './sampling-request.dto.js';

/** The body of `POST /tokenize`: a `prompt`, or `messages` for the chat template. */
export class TokenizeRequest {
  @CheckedField({
    description: 'A text. Either this or `messages`',
    example: 'What is an Inference Endpoint?',
    schema: { type: 'string', nullable: true },
    check: (value) =>
      typeof value === 'string' ? undefined : { type: 'string_type', msg: 'Input should be a string' },
  })
  prompt?: string;

  @CheckedField({
    description: 'A conversation, for the chat template. Either this or `prompt`',
    schema: { oneOf: [MESSAGES_SCHEMA, { type: 'null' }] } as never,
    check: checkMessages,
  })
  messages?: RequestMessage[];

  @BooleanField({
    description: 'With `prompt`: whether the tokenizer adds what it was made to add, usually a BOS token in front',
    example: true,
  })
  add_special_tokens?: boolean;

  @BooleanField({ description: 'With `messages`: whether the prompt ends where the answer begins', example: true })
  add_generation_prompt?: boolean;
}

/** The answer to `POST /tokenize`. */
export class Tokenized {
  @ApiProperty({ description: 'How many tokens', type: 'integer', minimum: 0, example: 2 })
  count!: number;

  @ApiProperty({ description: 'How many the context holds', type: 'integer', minimum: 1, example: 2048 })
  max_model_len!: number;

  @ApiProperty({ description: 'The token ids', type: 'array', items: { type: 'integer' }, example: [1535, 1093] })
  tokens!: readonly number[];
}

/** The body of `POST /detokenize`. */
export class DetokenizeRequest {
  @CheckedField({
    description: 'Token ids',
    example: [1535, 1093],
    required: true,
    schema: { type: 'array', items: TOKEN_ID },
    check: (value) => checkTokenIds(value, MAX_PROMPT_TOKENS),
  })
  tokens!: number[];
}

/** The answer to `POST /detokenize`. */
export class Detokenized {
  @ApiProperty({ description: 'The text, special tokens included', example: 'An In' })
  prompt!: string;
}
