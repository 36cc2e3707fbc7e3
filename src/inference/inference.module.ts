import { type DynamicModule, Global, Module } from '@nestjs/common';
import { EarlyLoad } from './early-load.js';
import { EngineInferenceProvider } from './engine-inference.provider.js';
import { INFERENCE_PROVIDER } from './inference-provider.js';

/** Makes what generates text injectable everywhere. */
@Global()
@Module({})
export class InferenceModule {
  /** @param earlyLoad of the model, if it began already */
  static forRoot(earlyLoad?: EarlyLoad): DynamicModule {
    return {
      module: InferenceModule,
      providers: [
        { provide: EarlyLoad, useValue: earlyLoad },
        { provide: INFERENCE_PROVIDER, useClass: EngineInferenceProvider },
      ],
      exports: [INFERENCE_PROVIDER],
    };
  }
}
