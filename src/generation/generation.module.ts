import { Module } from '@nestjs/common';
import { InferenceModule } from '../inference/inference.module.js';
import { Activity } from './activity/activity.js';
import { Admission } from './admission/admission.js';
import { ModelService } from './model.service.js';
import { GenerateController } from './seed/generate.controller.js';
import { GenerateService } from './seed/generate.service.js';

/** The model's life, and the routes that let people use it. Import it to use `ModelService` in a module of your own. */
@Module({
  imports: [InferenceModule],
  controllers: [GenerateController],
  providers: [Activity, Admission, ModelService, GenerateService],
  exports: [Activity, Admission, ModelService],
})
export class GenerationModule {}
