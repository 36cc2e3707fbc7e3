import { type DynamicModule, Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import type { Config } from './config/config.js';
import { ConfigModule } from './config/config.module.js';
import { AnthropicModule } from './generation/anthropic/anthropic.module.js';
import { DialectExceptionFilter } from './generation/dialect-exception.filter.js';
import { ExplainModule } from './generation/explain/explain.module.js';
import { GenerationModule } from './generation/generation.module.js';
import { OpenAiModule } from './generation/openai/openai.module.js';
import { HealthModule } from './health/health.module.js';
import type { EarlyLoad } from './inference/early-load.js';
import { InferenceModule } from './inference/inference.module.js';

/** The composition root: add modules of your own to its imports. */
@Module({})
export class AppModule {
  /** @param earlyLoad of the model, if it began already */
  static forRoot(config: Config, earlyLoad?: EarlyLoad): DynamicModule {
    return {
      module: AppModule,
      imports: [
        InferenceModule.forRoot(earlyLoad),
        ConfigModule.forRoot(config),
        GenerationModule,
        OpenAiModule,
        AnthropicModule,
        ExplainModule,
        HealthModule,
      ],
      providers: [{ provide: APP_FILTER, useClass: DialectExceptionFilter }],
    };
  }
}
