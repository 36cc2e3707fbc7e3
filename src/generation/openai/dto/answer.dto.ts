import { ApiProperty } from '@nestjs/swagger';
import { Usage } from './usage.dto.js';

export const FINISH_REASONS = ['stop', 'length', 'tool_calls'] as const;
export type OpenAiFinishReason = (typeof FINISH_REASONS)[number];

/** What every answer of this dialect has, and every chunk of a stream. */
export abstract class AnswerBase {
  @ApiProperty({ description: 'The same for all chunks of a stream', example: 'chatcmpl-6e2b' })
  id!: string;

  @ApiProperty({ description: 'When the request came, in seconds since 1970', type: 'integer', example: 1767225600 })
  created!: number;

  @ApiProperty({ description: 'The model that answered', example: 'demo' })
  model!: string;

  @ApiProperty({
    description: 'Stands for model, quantization and version: with the same one, a seed gives the same answer',
    example: 'fp_44709d6fcb83',
  })
  system_fingerprint!: string;

  @ApiProperty({
    description: 'Parameters that had no effect, and why; only when there are any',
    required: false,
    type: [String],
    example: ['user is not known here and was ignored'],
  })
  warnings?: string[];
}

/** What every complete answer has. */
export abstract class CompleteAnswerBase extends AnswerBase {
  @ApiProperty({ description: 'What was counted', type: Usage })
  usage!: Usage;
}

/** What every choice has. */
export abstract class ChoiceBase {
  @ApiProperty({ description: 'Which of the answers, from 0', type: 'integer', minimum: 0, example: 0 })
  index!: number;

  @ApiProperty({
    description:
      '`stop`: the model ended, or a stop string or token appeared; `length`: the answer was cut; `tool_calls`: it calls tools',
    enum: FINISH_REASONS,
    example: 'stop',
  })
  finish_reason!: OpenAiFinishReason;

  @ApiProperty({
    description: 'The stop string or token that appeared; `timeout` when the answer was cut because its time was over',
    oneOf: [{ type: 'string' }, { type: 'integer' }, { type: 'null' }],
    example: null,
  })
  stop_reason!: string | number | null;

  @ApiProperty({
    description: 'Ids of the generated tokens; only with `return_token_ids`',
    required: false,
    type: 'array',
    items: { type: 'integer' },
    example: [1535, 1093],
  })
  token_ids?: readonly number[];
}

export function promptTokenIds(required = false): PropertyDecorator {
  return ApiProperty({
    description: 'Token ids of the prompt; only with `return_token_ids`',
    required,
    type: 'array',
    items: { type: 'integer' },
    example: [1, 85],
  });
}
