import { BooleanField, CheckedField, IntegerField } from '../../../common/fastapi/fields.js';
import { checkMessages, MESSAGES_SCHEMA, type RequestMessage } from '../messages.js';
import { EMPTY_LIST, isEmptyList, NOTHING, RefusedField } from '../../../common/fastapi/refused-field.js';
import { SamplingRequest } from './sampling-request.dto.js';

const never = (): boolean => false;

/** The body of `POST /v1/chat/completions`. */
export class ChatCompletionRequest extends SamplingRequest {
  @CheckedField({
    description: 'The conversation. Content is a text or a list of text parts, which are joined by line breaks',
    example: [{ role: 'user', content: 'What is an Inference Endpoint?' }],
    required: true,
    schema: MESSAGES_SCHEMA as never,
    check: checkMessages,
  })
  messages!: RequestMessage[];

  @IntegerField({
    description: 'Upper bound on generated tokens; goes before `max_tokens`. As many as fit, if both are left out',
    example: 64,
    ge: 1,
    le: Number.MAX_SAFE_INTEGER,
  })
  max_completion_tokens?: number;

  @BooleanField({ description: 'Whether log probabilities of the tokens are told', example: true })
  logprobs?: boolean;

  @IntegerField({
    description: 'With `logprobs`: how many of the most probable tokens are told at each place',
    example: 2,
    ge: 0,
    le: 20,
  })
  top_logprobs?: number;

  @BooleanField({ description: 'Whether the prompt ends where the answer begins; true if left out', example: true })
  add_generation_prompt?: boolean;

  @CheckedField({
    description: 'Further variables of the chat template, for example `enable_thinking`',
    example: {},
    schema: { type: 'object', nullable: true, additionalProperties: true },
    check: (value) =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? undefined
        : { type: 'dict_type', msg: 'Input should be an object' },
  })
  chat_template_kwargs?: Readonly<Record<string, unknown>>;

  @RefusedField(EMPTY_LIST, isEmptyList)
  tools?: unknown;

  @RefusedField({ type: 'string', nullable: true, enum: ['none', 'auto', null] }, (value) =>
    ['none', 'auto'].includes(value as string),
  )
  tool_choice?: unknown;

  @RefusedField(EMPTY_LIST, isEmptyList)
  functions?: unknown;

  @RefusedField(
    {
      oneOf: [
        { type: 'object', required: ['type'], properties: { type: { type: 'string', enum: ['text'] } } },
        { type: 'null' },
      ],
    },
    (value) => (value as { type?: unknown }).type === 'text',
  )
  response_format?: unknown;

  @RefusedField(NOTHING, never)
  structured_outputs?: unknown;

  @RefusedField({ type: 'array', nullable: true, items: { type: 'string', enum: ['text'] } }, (value) =>
    Array.isArray(value) ? value.every((modality) => modality === 'text') : false,
  )
  modalities?: unknown;

  @RefusedField(NOTHING, never)
  audio?: unknown;
}
