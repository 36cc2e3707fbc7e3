import { Module } from '@nestjs/common';
import { GenerationModule } from '../generation.module.js';
import { ExplainController } from './explain.controller.js';

/** The route that explains what the others would do; what they tell it of themselves, `ExplainService` keeps. */
@Module({ imports: [GenerationModule], controllers: [ExplainController] })
export class ExplainModule {}
