import { Engine, type EngineError, type EngineOptions, type LoadProgress } from '../engine/index.js';
import type { LoadListeners } from './inference-provider.js';

/**
 * A load of the engine that begins before the application exists: the framework takes a second to import, on a core
 * of its own. Whoever owns the model takes it over.
 */
export class EarlyLoad {
  private readonly abort = new AbortController();
  private readonly engine: Promise<Engine>;
  private listeners: LoadListeners | undefined;
  private progress: LoadProgress | undefined;
  private failure: EngineError | undefined;

  constructor(options: EngineOptions) {
    this.engine = Engine.load(
      options,
      {
        onProgress: (progress) => {
          this.progress = progress;
          this.listeners?.onProgress(progress);
        },
        onFailure: (error) => {
          this.failure = error;
          this.listeners?.onFailure(error);
        },
      },
      this.abort.signal,
    );
    // Told to whoever takes it.
    this.engine.catch(() => undefined);
  }

  /**
   * Joins the load, as if it began now: the listeners hear how far it is.
   *
   * @param signal ends the load
   * @throws {EngineError} as `Engine.load`
   */
  async take(listeners: LoadListeners, signal: AbortSignal): Promise<Engine> {
    this.listeners = listeners;
    if (this.progress) listeners.onProgress(this.progress);
    const abort = (): void => this.abort.abort();
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    const engine = await this.engine;
    if (!this.failure) return engine;
    await engine.dispose();
    throw this.failure;
  }
}
