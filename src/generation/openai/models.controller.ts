import { Controller, Get, Param, UseFilters, UseGuards } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import { ModelReadyGuard } from '../model-ready.guard.js';
import { ModelService } from '../model.service.js';
import { ApiErrors } from './api-answer.decorator.js';
import { Model, ModelList } from './dto/model.dto.js';
import { ModelNotFoundError } from '../served-model.js';
import { OpenAiExceptionFilter } from './openai-exception.filter.js';

@ApiTags('OpenAI')
@Controller('v1/models')
@UseGuards(ModelReadyGuard)
@UseFilters(OpenAiExceptionFilter)
export class ModelsController {
  /** In seconds since 1970. */
  private readonly created = Math.floor(Date.now() / 1000);

  constructor(private readonly models: ModelService) {}

  @Get()
  @ApiOperation({ summary: 'List the models', description: 'There is one.' })
  @ApiOkResponse({ description: 'The models', type: ModelList })
  @ApiErrors(503)
  list(): ModelList {
    return { object: 'list', data: [this.served()] };
  }

  // A name may have slashes.
  @Get('*')
  @ApiOperation({ summary: 'Describe a model' })
  @ApiParam({ name: '*', description: 'The name, as the list has it', type: String, example: 'demo' })
  @ApiOkResponse({ description: 'The model', type: Model })
  @ApiErrors(404, 503)
  find(@Param('*') id: string): Model {
    const model = this.served();
    if (id !== model.id) throw new ModelNotFoundError(id, model.id);
    return model;
  }

  private served(): Model {
    const { id, contextLength } = this.models.model;
    return { id, object: 'model', created: this.created, owned_by: 'roost', max_model_len: contextLength };
  }
}
