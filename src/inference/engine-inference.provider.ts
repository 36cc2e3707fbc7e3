import { Inject, Injectable } from '@nestjs/common';
import type { Config } from '../config/config.js';
import { CONFIG } from '../config/config.module.js';
import { Engine, EngineError } from '../engine/index.js';
import type {
  GenerationEvent,
  GenerationRequest,
  InferenceProvider,
  LoadListeners,
  ModelInfo,
} from './inference-provider.js';

/** The provider that runs the model in this process, on ONNX Runtime. */
@Injectable()
export class EngineInferenceProvider implements InferenceProvider {
  private engine: Engine | undefined;

  constructor(@Inject(CONFIG) private readonly config: Config) {}

  async load(listeners: LoadListeners, signal: AbortSignal): Promise<ModelInfo> {
    await this.unload();
    this.engine = await Engine.load(this.config, listeners, signal);
    return this.engine.info;
  }

  async unload(): Promise<void> {
    const { engine } = this;
    this.engine = undefined;
    await engine?.dispose();
  }

  generate(request: GenerationRequest, signal: AbortSignal): AsyncIterable<GenerationEvent> {
    if (!this.engine) throw new EngineError('not_loaded', 'the model is not loaded');
    return this.engine.generate(request, signal);
  }
}
