import { Inject, Injectable, Logger, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import type { Config } from '../config/config.js';
import { CONFIG } from '../config/config.module.js';
import {
  type Explanation,
  type GenerationEvent,
  type GenerationRequest,
  INFERENCE_PROVIDER,
  type InferenceProvider,
  type LoadProgress,
  type ModelInfo,
  type Prompt,
  type StepReport,
} from '../inference/inference-provider.js';
import { Admission } from './admission/admission.js';
import { estimateTokens } from './admission/estimate.js';
import type { Demand, Ticket } from './admission/ticket.js';
import { ModelNotLoadedError } from '../inference/model-not-loaded.error.js';
import { Activity } from './activity/activity.js';
import { RequestRecord } from './activity/request-record.js';

export type ModelState = 'unloaded' | 'loading' | 'ready' | 'unloading' | 'failed';

/**
 * Owns the life of the model: loads it when the application starts, frees it when it ends, and lets nobody use it
 * before or after.
 */
@Injectable()
export class ModelService implements OnModuleInit, OnModuleDestroy {
  /** Resolves with the reason when the model cannot be loaded or breaks later: the process is then of no use. */
  readonly failed: Promise<Error>;

  private readonly logger = new Logger(ModelService.name);
  private current:
    { readonly state: Exclude<ModelState, 'ready'> } | { readonly state: 'ready'; readonly info: ModelInfo } = {
    state: 'unloaded',
  };
  private seconds: number | undefined;
  private loading: Promise<void> | undefined;
  private unloading: Promise<void> | undefined;
  private loadAbort = new AbortController();
  private fail!: (reason: Error) => void;

  constructor(
    @Inject(INFERENCE_PROVIDER) private readonly provider: InferenceProvider,
    @Inject(CONFIG) private readonly config: Config,
    private readonly admission: Admission,
    private readonly activity: Activity,
  ) {
    this.failed = new Promise((resolve) => (this.fail = resolve));
  }

  /** Begins the load and does not wait for it: the port opens at once, and answers that the model is not loaded. */
  onModuleInit(): void {
    // A failure is told by `failed`.
    this.load().catch(() => undefined);
  }

  async onModuleDestroy(): Promise<void> {
    await this.unload();
  }

  get state(): ModelState {
    return this.current.state;
  }

  /**
   * The loaded model.
   *
   * @throws {ModelNotLoadedError}
   */
  get model(): ModelInfo {
    if (this.current.state !== 'ready') throw new ModelNotLoadedError();
    return this.current.info;
  }

  /** How long the last load took. */
  get loadSeconds(): number | undefined {
    return this.seconds;
  }

  /** Whether there has been work for too long of which nothing got done: only a new process helps. */
  get stalled(): boolean {
    return (this.provider.stalledFor?.() ?? 0) > 1000 * this.config.livenessTimeout;
  }

  /** Loads the model unless it is loaded; a load in progress is joined. */
  async load(): Promise<void> {
    await this.unloading;
    if (this.current.state === 'ready') return;
    this.loading ??= this.startLoading().finally(() => (this.loading = undefined));
    await this.loading;
  }

  /** Frees the model; ends a load in progress, and joins an unload. */
  async unload(): Promise<void> {
    if (this.current.state === 'unloaded') return;
    this.unloading ??= this.startUnloading().finally(() => (this.unloading = undefined));
    await this.unloading;
  }

  /**
   * Lets a request in, or turns it away. Comes before all that costs time; the ticket has to be told of its end.
   *
   * @throws {ModelNotLoadedError}
   * @throws {DrainingError}
   * @throws {OverloadedError}
   */
  admit(demand: Demand): Ticket {
    return this.admission.admit(demand, this.model.slots);
  }

  /**
   * The token ids of a prompt.
   *
   * @throws {ModelNotLoadedError}
   * @throws {InferenceError} template_failed or cancelled
   */
  async encode(prompt: Prompt, signal: AbortSignal): Promise<readonly number[]> {
    return this.activity.tokenize(prompt, () => this.ready().encode(prompt, signal));
  }

  /**
   * The token ids of a text that is nobody's prompt.
   *
   * @throws {ModelNotLoadedError}
   * @throws {InferenceError} cancelled
   */
  async idsOf(text: string, signal: AbortSignal): Promise<readonly number[]> {
    return this.ready().encode({ kind: 'text', text, addSpecialTokens: false }, signal);
  }

  /**
   * The text of token ids, special tokens included.
   *
   * @throws {ModelNotLoadedError}
   * @throws {InferenceError} cancelled
   */
  async decode(ids: readonly number[], signal: AbortSignal): Promise<string> {
    return this.ready().decode(ids, signal);
  }

  /**
   * What `generate` would do with a request, without doing it.
   *
   * @throws {ModelNotLoadedError}
   * @throws {InferenceError} request_invalid, template_failed or cancelled
   */
  async explain(request: GenerationRequest, signal: AbortSignal): Promise<Explanation> {
    return this.ready().explain(request, signal);
  }

  /**
   * Generates an answer with the loaded model. It is let in, or turned away, when it is first asked for an event, and
   * waited for at shutdown.
   *
   * @throws {ModelNotLoadedError} while iterating, as the others
   * @throws {RefusedError}
   * @throws {InferenceError}
   */
  async *generate(request: GenerationRequest, signal: AbortSignal): AsyncGenerator<GenerationEvent, void> {
    const ticket = this.admit({ answers: 1, promptTokens: estimateTokens([request.prompt]) });
    // Also when nobody reads on.
    const cancel = (): void => ticket.cancel();
    signal.addEventListener('abort', cancel, { once: true });
    try {
      for await (const event of this.answer(request, signal)) {
        if (event.type === 'start') ticket.correct({ answers: 1, promptTokens: event.promptTokens });
        ticket.note(0, event);
        yield event;
      }
      ticket.complete();
    } catch (error) {
      ticket.fail(error);
      throw error;
    } finally {
      signal.removeEventListener('abort', cancel);
      cancel();
    }
  }

  /**
   * Generates an answer to a request that was let in: for who holds its ticket.
   *
   * @throws {ModelNotLoadedError}
   * @throws {InferenceError} while iterating
   */
  answer(request: GenerationRequest, signal: AbortSignal): AsyncIterable<GenerationEvent> {
    const { client } = RequestRecord.current ?? {};
    return this.activity.follow(this.ready().generate({ client, ...request }, signal), signal);
  }

  private ready(): InferenceProvider {
    if (this.current.state !== 'ready') throw new ModelNotLoadedError();
    return this.provider;
  }

  private async startUnloading(): Promise<void> {
    this.current = { state: 'unloading' };
    this.loadAbort.abort();
    await this.loading?.catch(() => undefined);
    await this.provider.unload();
    this.current = { state: 'unloaded' };
    this.logger.log('model unloaded');
  }

  private async startLoading(): Promise<void> {
    this.current = { state: 'loading' };
    this.loadAbort = new AbortController();
    const { signal } = this.loadAbort;
    const started = performance.now();
    this.logger.log({ msg: 'loading the model', path: this.config.modelPath, source: describeSource(this.config) });
    try {
      const info = await this.provider.load(
        {
          onProgress: (progress) => this.logProgress(progress),
          onStep: (report) => this.stepped(report),
          onFailure: (error) => this.breakDown(error),
        },
        signal,
      );
      if (signal.aborted) return;
      this.current = { state: 'ready', info };
      this.seconds = (performance.now() - started) / 1000;
      this.logReady(info, this.seconds);
    } catch (error) {
      if (!signal.aborted) this.breakDown(error as Error);
      throw error;
    }
  }

  private breakDown(reason: Error): void {
    if (this.current.state === 'unloading' || this.current.state === 'unloaded') return;
    this.current = { state: 'failed' };
    this.fail(reason);
  }

  private stepped(report: StepReport): void {
    // What a load tries is nobody's request.
    if (this.current.state === 'ready') this.activity.stepped(report);
  }

  private logProgress({ phase, percent, seconds }: LoadProgress): void {
    this.logger.log({ msg: 'loading', phase, percent, seconds: round(seconds) });
  }

  private logReady(info: ModelInfo, seconds: number): void {
    for (const warning of info.warnings) this.logger.warn(warning);
    if (info.contextLength < info.maxPositions && this.config.maxModelLength === undefined) {
      const advice = 'set MAX_MODEL_LEN, or a smaller MAX_BATCH_SIZE, to decide otherwise';
      this.logger.warn(
        `the context is cut to ${info.contextLength} of ${info.maxPositions} tokens so that the KV cache fits into memory; ${advice}`,
      );
    }
    this.logger.log({
      msg: 'model ready',
      model: info.id,
      architecture: info.architecture,
      device: info.device,
      dtype: info.dtype,
      quantization: info.quantization,
      parameters: info.parameters,
      weight_bytes: info.weightBytes,
      context_length: info.contextLength,
      slots: info.slots,
      kv_cache_bytes: info.kvCacheBytes,
      threads: info.threads,
      seconds: round(seconds),
    });
  }
}

function describeSource({ modelSource }: Config): string {
  switch (modelSource) {
    case 'configured':
      return 'MODEL_PATH';
    case 'mounted':
      return 'MODEL_PATH is not set: this folder is mounted. Mount a Hugging Face model folder there, or set MODEL_PATH, to serve another';
    case 'demo':
      return 'MODEL_PATH is not set and nothing is mounted at /repository: the bundled demo model. Mount a Hugging Face model folder there, or set MODEL_PATH, to serve another';
  }
}

function round(seconds: number): number {
  return Math.round(seconds * 100) / 100;
}
