import { Module } from '@nestjs/common';
import { InferenceModule } from '../inference/inference.module.js';
import { ModelService } from './model.service.js';

/** The model's life, which all dialects share. Import it to use `ModelService` in a module of your own. */
@Module({
  imports: [InferenceModule],
  providers: [ModelService],
  exports: [ModelService],
})
export class GenerationModule {}
