import { Module } from '@nestjs/common';
import { GenerationModule } from '../generation/generation.module.js';
import { MetricsController } from './metrics.controller.js';
import { MetricsService } from './metrics.service.js';

@Module({ imports: [GenerationModule], controllers: [MetricsController], providers: [MetricsService] })
export class MetricsModule {}
