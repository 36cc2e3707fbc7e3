import { ApiProperty } from '@nestjs/swagger';

const NULL = { type: 'null', example: null } as const;
const COUNT = { type: 'integer', minimum: 1 } as const;

/** What text-generation-inference tells of itself, as far as it means anything here. */
export class Info {
  @ApiProperty({ description: 'The name of the model', example: 'demo' })
  model_id!: string;

  @ApiProperty({ ...NULL, description: 'Not known' })
  model_sha!: null;

  @ApiProperty({ description: 'What the network computes in', example: 'torch.float32' })
  model_dtype!: string;

  @ApiProperty({ description: 'Where it computes', example: 'cpu' })
  model_device_type!: string;

  @ApiProperty({ description: 'What the model does', example: 'text-generation' })
  model_pipeline_tag!: string;

  @ApiProperty({ ...COUNT, description: 'Most answers that `best_of` may choose from', example: 4 })
  max_best_of!: number;

  @ApiProperty({ ...COUNT, description: 'Most strings of `stop`', example: 16 })
  max_stop_sequences!: number;

  @ApiProperty({ ...COUNT, description: 'Most tokens of a prompt', example: 2047 })
  max_input_tokens!: number;

  @ApiProperty({ ...COUNT, description: 'The same, under its older name', example: 2047 })
  max_input_length!: number;

  @ApiProperty({ ...COUNT, description: 'Most tokens of a prompt and its answer together', example: 2048 })
  max_total_tokens!: number;

  @ApiProperty({ ...COUNT, description: 'Answers that are worked on at the same time', example: 8 })
  max_batch_size!: number;

  @ApiProperty({ ...COUNT, description: 'Tokens of all of them together', example: 16384 })
  max_batch_total_tokens!: number;

  @ApiProperty({ ...COUNT, description: 'Threads that read prompts', example: 1 })
  validation_workers!: number;

  @ApiProperty({ ...COUNT, description: 'Prompts of one request', example: 1 })
  max_client_batch_size!: number;

  @ApiProperty({ description: 'The program that answers', example: 'roost' })
  router!: string;

  @ApiProperty({ description: 'Its version', example: '0.1.0' })
  version!: string;

  @ApiProperty({ ...NULL, description: 'Not known' })
  sha!: null;

  @ApiProperty({ ...NULL, description: 'Not known' })
  docker_label!: null;
}
