import { Module } from '@nestjs/common';
import { InferenceModule } from '../inference/inference.module.js';
import { Activity } from './activity/activity.js';
import { ModelService } from './model.service.js';
import { GenerateController } from './seed/generate.controller.js';
import { GenerateService } from './seed/generate.service.js';

/** The model's life, and the routes that let people use it. Import it to use `ModelService` in a module of your own. */
@Module({
  imports: [InferenceModule],
  controllers: [GenerateController],
  providers: [Activity, ModelService, GenerateService],
  exports: [Activity, ModelService],
})
export class GenerationModule {}
