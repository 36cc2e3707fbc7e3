import { type DynamicModule, Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import type { Config } from './config/config.js';
import { ConfigModule } from './config/config.module.js';
import { DialectExceptionFilter } from './generation/dialect-exception.filter.js';
import { GenerationModule } from './generation/generation.module.js';
import { OpenAiModule } from './generation/openai/openai.module.js';
import { HealthModule } from './health/health.module.js';
import { MetricsModule } from './metrics/metrics.module.js';
import { TracingModule } from './tracing/tracing.module.js';

/** The composition root: add modules of your own to its imports. */
@Module({})
export class AppModule {
  static forRoot(config: Config): DynamicModule {
    return {
      module: AppModule,
      imports: [
        ConfigModule.forRoot(config),
        GenerationModule,
        OpenAiModule,
        HealthModule,
        MetricsModule,
        TracingModule,
      ],
      providers: [{ provide: APP_FILTER, useClass: DialectExceptionFilter }],
    };
  }
}
