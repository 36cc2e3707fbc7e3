import { ApiProperty } from '@nestjs/swagger';

const NULL = { type: 'null' };
const COUNT = { type: 'integer', minimum: 0 } as const;
const OBJECT = { type: 'object', additionalProperties: true } as const;

export class InputTokensDetails {
  @ApiProperty({ ...COUNT, description: 'Tokens of the prompt that an earlier one had in common', example: 32 })
  cached_tokens!: number;

  @ApiProperty({ ...COUNT, description: 'Always 0: every prompt is kept, at no cost', example: 0 })
  cache_write_tokens!: number;
}

export class OutputTokensDetails {
  @ApiProperty({ ...COUNT, description: 'Tokens that only thought', example: 9 })
  reasoning_tokens!: number;
}

export class ResponseUsage {
  @ApiProperty({ ...COUNT, description: 'Tokens of the prompt', example: 40 })
  input_tokens!: number;

  @ApiProperty({ description: 'What of the prompt was not computed', type: InputTokensDetails })
  input_tokens_details!: InputTokensDetails;

  @ApiProperty({ ...COUNT, description: 'Generated tokens, the end-of-sequence token included', example: 39 })
  output_tokens!: number;

  @ApiProperty({ description: 'What they were for', type: OutputTokensDetails })
  output_tokens_details!: OutputTokensDetails;

  @ApiProperty({ ...COUNT, description: 'Both together', example: 79 })
  total_tokens!: number;
}

export const STATUSES = ['in_progress', 'completed', 'incomplete', 'failed'] as const;
export type ResponseStatus = (typeof STATUSES)[number];
type ItemStatus = Exclude<ResponseStatus, 'failed'>;

export interface OutputText {
  readonly type: 'output_text';
  readonly text: string;
  readonly annotations: readonly never[];
  readonly logprobs: readonly object[];
}

export interface ReasoningText {
  readonly type: 'reasoning_text';
  readonly text: string;
}

/** What an answer is made of, in the order in which the model wrote it. */
export type OutputItem =
  | {
      readonly id: string;
      readonly type: 'message';
      readonly role: 'assistant';
      readonly status: ItemStatus;
      readonly content: readonly OutputText[];
    }
  | {
      readonly id: string;
      readonly type: 'reasoning';
      readonly status: ItemStatus;
      readonly summary: readonly never[];
      readonly content: readonly ReasoningText[];
    }
  | {
      readonly id: string;
      readonly type: 'function_call';
      readonly status: ItemStatus;
      readonly call_id: string;
      readonly name: string;
      readonly arguments: string;
    };

const ITEM_STATUS = { type: 'string', enum: STATUSES.filter((status) => status !== 'failed') };
const STRING = { type: 'string' };
const item = (type: string, properties: Readonly<Record<string, object>>) => ({
  type: 'object',
  required: ['id', 'type', 'status', ...Object.keys(properties)],
  properties: { id: STRING, type: { type: 'string', enum: [type] }, status: ITEM_STATUS, ...properties },
});
const parts = (type: string) => ({
  type: 'array',
  items: {
    type: 'object',
    required: ['type', 'text'],
    properties: { type: { type: 'string', enum: [type] }, text: STRING },
  },
});

/** For the document. */
const OUTPUT_ITEM = {
  oneOf: [
    item('message', { role: { type: 'string', enum: ['assistant'] }, content: parts('output_text') }),
    item('reasoning', { summary: { type: 'array', maxItems: 0 }, content: parts('reasoning_text') }),
    item('function_call', { call_id: STRING, name: STRING, arguments: STRING }),
  ],
};

/** The answer to `POST /v1/responses`. What the request said comes back with it. */
export class ModelResponse {
  @ApiProperty({ description: 'Of this answer; nothing is stored under it', example: 'resp_6e2b' })
  id!: string;

  @ApiProperty({ enum: ['response'], description: 'What this is', example: 'response' })
  object!: 'response';

  @ApiProperty({ description: 'When the request came, in seconds since 1970', type: 'integer', example: 1767225600 })
  created_at!: number;

  @ApiProperty({
    description: 'When the answer was complete',
    oneOf: [{ type: 'integer' }, NULL],
    example: 1767225601,
  })
  completed_at!: number | null;

  @ApiProperty({ enum: STATUSES, description: '`incomplete`: the answer was cut', example: 'completed' })
  status!: ResponseStatus;

  @ApiProperty({ description: 'Why it failed', oneOf: [{ ...OBJECT }, NULL], example: null })
  error!: { readonly code: 'server_error'; readonly message: string } | null;

  @ApiProperty({
    description: 'Why it is incomplete',
    oneOf: [{ type: 'object', required: ['reason'], properties: { reason: STRING } }, NULL],
    example: null,
  })
  incomplete_details!: { readonly reason: 'max_output_tokens' } | null;

  @ApiProperty({ description: 'The model that answered', example: 'demo' })
  model!: string;

  @ApiProperty({ description: 'Messages, thoughts and calls of functions', type: 'array', items: OUTPUT_ITEM as never })
  output!: readonly OutputItem[];

  @ApiProperty({
    description: 'What was counted; null while it is not known',
    oneOf: [{ $ref: '#/components/schemas/ResponseUsage' }, NULL],
  })
  usage!: ResponseUsage | null;

  @ApiProperty({ description: 'As in the request', oneOf: [STRING, NULL], example: null })
  instructions!: string | null;

  @ApiProperty({ description: 'As in the request', oneOf: [{ type: 'integer' }, NULL], example: 64 })
  max_output_tokens!: number | null;

  @ApiProperty({ description: 'As in the request', ...OBJECT, example: {} })
  metadata!: Readonly<Record<string, string>>;

  @ApiProperty({ description: 'As in the request', example: true })
  parallel_tool_calls!: boolean;

  @ApiProperty({ description: 'As in the request', ...OBJECT, example: { effort: null, summary: null } })
  reasoning!: { readonly effort: string | null; readonly summary: null };

  @ApiProperty({ description: 'As in the request; null for what the model decides', oneOf: [{ type: 'number' }, NULL] })
  temperature!: number | null;

  @ApiProperty({ description: 'As in the request; null for what the model decides', oneOf: [{ type: 'number' }, NULL] })
  top_p!: number | null;

  @ApiProperty({ description: 'As in the request', ...COUNT, example: 0 })
  top_logprobs!: number;

  @ApiProperty({ description: 'As in the request', ...OBJECT, example: { format: { type: 'text' } } })
  text!: object;

  @ApiProperty({ description: 'As in the request', oneOf: [STRING, { ...OBJECT }], example: 'auto' })
  tool_choice!: unknown;

  @ApiProperty({ description: 'As in the request', type: 'array', items: { ...OBJECT } })
  tools!: readonly object[];

  @ApiProperty({ description: 'Always false', example: false })
  background!: false;

  @ApiProperty({ description: 'Always false', example: false })
  store!: false;

  @ApiProperty({ description: 'Always null', type: 'null', example: null })
  previous_response_id!: null;

  @ApiProperty({ description: 'Nothing is ever cut off', enum: ['disabled'], example: 'disabled' })
  truncation!: 'disabled';

  @ApiProperty({ description: 'Stands for model, quantization and version', example: 'fp_44709d6fcb83' })
  system_fingerprint!: string;

  @ApiProperty({
    description: 'Parameters that had no effect, and why; only when there are any',
    required: false,
    type: [String],
    example: ['user is not known here and was ignored'],
  })
  warnings?: readonly string[];
}
