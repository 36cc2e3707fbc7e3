import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { GenerationModule } from '../generation/generation.module.js';
import { HealthController } from './health.controller.js';
import { ModelHealthIndicator } from './model.health-indicator.js';

@Module({
  // A probe that fails while a model loads is no error: the answer says so, the log need not.
  imports: [TerminusModule.forRoot({ logger: false }), GenerationModule],
  controllers: [HealthController],
  providers: [ModelHealthIndicator],
})
export class HealthModule {}
