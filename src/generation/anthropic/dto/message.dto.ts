import { ApiProperty } from '@nestjs/swagger';

export const STOP_REASONS = [
  'end_turn',
  'max_tokens',
  'stop_sequence',
  'tool_use',
  'model_context_window_exceeded',
] as const;
export type StopReason = (typeof STOP_REASONS)[number];

const COUNT = { type: 'integer', minimum: 0 } as const;

export class MessageUsage {
  @ApiProperty({ ...COUNT, description: 'Tokens of the prompt that were computed', example: 8 })
  input_tokens!: number;

  @ApiProperty({ ...COUNT, description: 'Always 0: every prompt is kept, at no cost', example: 0 })
  cache_creation_input_tokens!: number;

  @ApiProperty({ ...COUNT, description: 'Tokens of the prompt that an earlier one had in common', example: 32 })
  cache_read_input_tokens!: number;

  @ApiProperty({ ...COUNT, description: 'Generated tokens, the end-of-sequence token included', example: 39 })
  output_tokens!: number;
}

export class TextContent {
  @ApiProperty({ enum: ['text'], description: 'What this is', example: 'text' })
  type!: 'text';

  @ApiProperty({ description: 'What the model says', example: 'An Inference Endpoint is a server.' })
  text!: string;

  @ApiProperty({ description: 'Always null', type: 'null', example: null })
  citations!: null;
}

export class ThinkingContent {
  @ApiProperty({ enum: ['thinking'], description: 'What this is', example: 'thinking' })
  type!: 'thinking';

  @ApiProperty({ description: 'What the model thought before it answered', example: 'I know this one.' })
  thinking!: string;

  @ApiProperty({
    description: 'A word that signs nothing: nothing here depends on who wrote a thought that is sent back',
    example: 'unsigned',
  })
  signature!: string;
}

export class ToolUseContent {
  @ApiProperty({ enum: ['tool_use'], description: 'What this is', example: 'tool_use' })
  type!: 'tool_use';

  @ApiProperty({ description: 'For the result, to say which call it is of', example: 'call_7Zp3wQ' })
  id!: string;

  @ApiProperty({ description: 'The tool', example: 'get_weather' })
  name!: string;

  @ApiProperty({
    description: 'The arguments; empty when the answer was cut within them',
    type: 'object',
    additionalProperties: true,
    example: { city: 'Paris' },
  })
  input!: Record<string, unknown>;
}

export type Content = TextContent | ThinkingContent | ToolUseContent;

/** The answer to `POST /v1/messages`. */
export class Message {
  @ApiProperty({ description: 'Of this answer', example: 'msg_6e2b' })
  id!: string;

  @ApiProperty({ enum: ['message'], description: 'What this is', example: 'message' })
  type!: 'message';

  @ApiProperty({ enum: ['assistant'], description: 'Who speaks', example: 'assistant' })
  role!: 'assistant';

  @ApiProperty({ description: 'The model that answered', example: 'demo' })
  model!: string;

  @ApiProperty({
    description: 'In the order in which the model wrote it',
    type: 'array',
    items: {
      oneOf: ['TextContent', 'ThinkingContent', 'ToolUseContent'].map((name) => ({
        $ref: `#/components/schemas/${name}`,
      })),
    },
    example: [{ type: 'text', text: 'An Inference Endpoint is a server.', citations: null }],
  })
  content!: Content[];

  @ApiProperty({
    description: 'Why it ended; `model_context_window_exceeded`: the context was full before `max_tokens` were reached',
    enum: STOP_REASONS,
    example: 'end_turn',
  })
  stop_reason!: StopReason | null;

  @ApiProperty({
    description: 'The one that appeared',
    oneOf: [{ type: 'string' }, { type: 'null' }],
    example: null,
  })
  stop_sequence!: string | null;

  @ApiProperty({ description: 'Always null', type: 'null', example: null })
  stop_details!: null;

  @ApiProperty({ description: 'Always null', type: 'null', example: null })
  container!: null;

  @ApiProperty({ description: 'What was counted', type: MessageUsage })
  usage!: MessageUsage;

  @ApiProperty({
    description: 'Stands for model, quantization and version',
    example: 'fp_44709d6fcb83',
  })
  system_fingerprint!: string;

  @ApiProperty({
    description: 'Parameters that had no effect, or less than was asked for; only when there are any',
    required: false,
    type: [String],
    example: ['metadata is not known here and was ignored'],
  })
  warnings?: readonly string[];
}

/** The answer to `POST /v1/messages/count_tokens`. */
export class TokenCount {
  @ApiProperty({ ...COUNT, description: 'Tokens that the prompt has', example: 40 })
  input_tokens!: number;
}
