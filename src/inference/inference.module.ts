import { Module } from '@nestjs/common';
import { EngineInferenceProvider } from './engine-inference.provider.js';
import { INFERENCE_PROVIDER } from './inference-provider.js';

@Module({
  providers: [{ provide: INFERENCE_PROVIDER, useClass: EngineInferenceProvider }],
  exports: [INFERENCE_PROVIDER],
})
export class InferenceModule {}
