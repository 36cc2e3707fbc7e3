import { ApiProperty } from '@nestjs/swagger';

/** A model that is served. */
export class Model {
  @ApiProperty({ description: 'Its name', example: 'demo' })
  id!: string;

  @ApiProperty({ description: 'What this is', enum: ['model'], example: 'model' })
  object!: 'model';

  @ApiProperty({ description: 'When it was loaded, in seconds since 1970', type: 'integer', example: 1767225600 })
  created!: number;

  @ApiProperty({ description: 'Who serves it', example: 'roost' })
  owned_by!: string;

  @ApiProperty({
    description: 'Longest sequence in tokens, prompt and answer together',
    type: 'integer',
    minimum: 1,
    example: 2048,
  })
  max_model_len!: number;
}

export class ModelList {
  @ApiProperty({ description: 'What this is', enum: ['list'], example: 'list' })
  object!: 'list';

  @ApiProperty({ description: 'The models', type: [Model] })
  data!: Model[];
}
