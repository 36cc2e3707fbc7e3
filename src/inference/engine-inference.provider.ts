import { Inject, Injectable, Optional } from '@nestjs/common';
import type { Config } from '../config/config.js';
import { CONFIG } from '../config/config.module.js';
import { Engine, EngineError } from '../engine/index.js';
import { EarlyLoad } from './early-load.js';
import type {
  Explanation,
  GenerationEvent,
  GenerationRequest,
  InferenceProvider,
  LoadListeners,
  ModelInfo,
  Prompt,
} from './inference-provider.js';

/** The provider that runs the model in this process, on ONNX Runtime. */
@Injectable()
export class EngineInferenceProvider implements InferenceProvider {
  private engine: Engine | undefined;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Optional() private earlyLoad?: EarlyLoad,
  ) {}

  async load(listeners: LoadListeners, signal: AbortSignal): Promise<ModelInfo> {
    await this.unload();
    const { earlyLoad } = this;
    this.earlyLoad = undefined;
    this.engine = await (earlyLoad?.take(listeners, signal) ?? Engine.load(this.config, listeners, signal));
    return this.engine.info;
  }

  async unload(): Promise<void> {
    const { engine } = this;
    this.engine = undefined;
    await engine?.dispose();
  }

  async encode(prompt: Prompt, signal: AbortSignal): Promise<readonly number[]> {
    return this.loaded().encode(prompt, signal);
  }

  async decode(ids: readonly number[], signal: AbortSignal): Promise<string> {
    return this.loaded().decode(ids, signal);
  }

  async explain(request: GenerationRequest, signal: AbortSignal): Promise<Explanation> {
    return this.loaded().explain(request, signal);
  }

  generate(request: GenerationRequest, signal: AbortSignal): AsyncIterable<GenerationEvent> {
    return this.loaded().generate(request, signal);
  }

  private loaded(): Engine {
    if (!this.engine) throw new EngineError('not_loaded', 'the model is not loaded');
    return this.engine;
  }
}
