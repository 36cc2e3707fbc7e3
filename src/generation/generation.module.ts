import { Module } from '@nestjs/common';
import { ModelService } from './model.service.js';
import { GenerateController } from './seed/generate.controller.js';
import { GenerateService } from './seed/generate.service.js';

/** The model's life, and the routes that let people use it. Import it to use `ModelService` in a module of your own. */
@Module({
  controllers: [GenerateController],
  providers: [ModelService, GenerateService],
  exports: [ModelService],
})
export class GenerationModule {}
