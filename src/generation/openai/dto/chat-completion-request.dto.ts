import { BooleanField, CheckedField, IntegerField } from '../../../common/fastapi/fields.js';
import { checkMessages, MESSAGES_SCHEMA, type RequestMessage } from '../messages.js';
import { EMPTY_LIST, isEmptyList, NOTHING, RefusedField } from '../../../common/fastapi/refused-field.js';
import {
  checkToolChoice,
  checkTools,
  type RequestTool,
  type RequestToolChoice,
  TOOL_CHOICE_SCHEMA,
  TOOLS_SCHEMA,
} from '../tools.js';
import { SamplingRequest } from './sampling-request.dto.js';

/** OpenAI's. */
const EFFORTS = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'] as const;

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

  @CheckedField({
    description: 'Functions that the model may call, for models whose chat template knows tools',
    example: [],
    schema: TOOLS_SCHEMA as never,
    check: checkTools,
  })
  tools?: RequestTool[];

  @CheckedField({
    description: 'Whether it calls tools: as it likes (`auto`, if left out), not at all, at least one, or this one',
    example: 'auto',
    schema: TOOL_CHOICE_SCHEMA as never,
    check: checkToolChoice,
  })
  tool_choice?: RequestToolChoice;

  @BooleanField({ description: 'Whether it may call several tools at once; true if left out', example: true })
  parallel_tool_calls?: boolean;

  @CheckedField({
    description:
      'How much the model thinks before it answers: `none` turns thinking off, anything else turns it on; what the levels mean is up to the chat template',
    example: 'none',
    schema: { type: 'string', nullable: true, enum: [...EFFORTS, null] } as never,
    check: (value) =>
      EFFORTS.some((effort) => effort === value)
        ? undefined
        : { type: 'enum', msg: `Input should be one of ${EFFORTS.join(', ')}` },
  })
  reasoning_effort?: (typeof EFFORTS)[number];

  @BooleanField({
    description:
      'Whether the model thinks before it answers; if left out, `reasoning_effort` or the chat template decides',
    example: false,
  })
  enable_thinking?: boolean;

  @IntegerField({
    description: 'Upper bound on tokens of a thought: one that is longer is ended, and the answer follows',
    example: 100,
    ge: 0,
    le: Number.MAX_SAFE_INTEGER,
  })
  thinking_token_budget?: number;

  @RefusedField(EMPTY_LIST, isEmptyList, 'This is deprecated by OpenAI, and not supported here: use tools')
  functions?: unknown;

  @RefusedField(
    { type: 'string', nullable: true, enum: ['none', 'auto', null] },
    (value) => ['none', 'auto'].includes(value as string),
    'This is deprecated by OpenAI, and not supported here: use tool_choice',
  )
  function_call?: unknown;

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
