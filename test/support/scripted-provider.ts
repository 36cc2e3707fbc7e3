import {
  type FinishReason,
  type Explanation,
  type GenerationEvent,
  type GenerationRequest,
  type InferenceProvider,
  InferenceError,
  type LoadListeners,
  type ModelInfo,
  type Prompt,
} from '../../src/inference/inference-provider.js';

const INFO: ModelInfo = {
  id: 'scripted',
  architecture: 'Scripted',
  device: 'cpu',
  dtype: 'float32',
  quantization: 'none',
  weightType: 'F32',
  parameters: 1,
  weightBytes: 4,
  vocabSize: 100,
  contextLength: 10_000,
  maxPositions: 10_000,
  slots: 2,
  kvCacheBytes: 1,
  threads: 1,
  hasChatTemplate: true,
  fingerprint: 'f',
  specialIds: [],
  warnings: [],
};

/** A request to a `ScriptedProvider`, which goes on when a test says so. */
export class ScriptedAnswer {
  private readonly events: GenerationEvent[] = [];
  private wake: (() => void) | undefined;
  private error: Error | undefined;
  readonly ended: Promise<void>;
  private settle!: () => void;
  private newTokens = 0;

  constructor(
    readonly request: GenerationRequest,
    readonly signal: AbortSignal,
  ) {
    this.ended = new Promise((resolve) => (this.settle = resolve));
    signal.addEventListener('abort', () => this.fail(new InferenceError('cancelled', 'the request was cancelled')));
  }

  say(text: string): void {
    this.newTokens++;
    this.events.push({ type: 'tokens', text, ids: [1] });
    this.wake?.();
  }

  finish(reason: FinishReason = 'eos'): void {
    const thought = this.request.thought && { thoughtTokens: 2 };
    this.events.push({
      ...thought,
      type: 'finish',
      reason,
      promptTokens: 3,
      cachedTokens: 0,
      newTokens: this.newTokens,
    });
    this.wake?.();
  }

  /** Its time is over. */
  end(timeLimit: 'queue' | 'whole'): void {
    const { newTokens } = this;
    this.events.push({ type: 'finish', reason: 'timeout', timeLimit, promptTokens: 3, cachedTokens: 0, newTokens });
    this.wake?.();
  }

  fail(error: Error): void {
    this.error ??= error;
    this.settle();
    this.wake?.();
  }

  async *read(): AsyncGenerator<GenerationEvent> {
    try {
      yield { type: 'start', promptTokens: 3 };
      for (;;) {
        const event = this.events.shift();
        if (event) {
          yield event;
          if (event.type === 'finish') return;
        } else if (this.error) throw this.error;
        else await new Promise<void>((resolve) => (this.wake = resolve));
      }
    } finally {
      this.settle();
    }
  }
}

/** Accepts requests, says a first token, and leaves it to a test how they go on. */
export class ScriptedProvider implements InferenceProvider {
  readonly answers: ScriptedAnswer[] = [];
  readonly prompts: Prompt[] = [];
  listeners: LoadListeners | undefined;
  /** Requests are answered at once, without a test's doing; a load ends with such a one. */
  automatic = true;
  /** Whether an answer begins with a token of its own; a stream's head comes with its first event. */
  begins = true;
  /** Milliseconds for which nothing has got on. */
  stalled = 0;
  /** Where this is a list, texts are not read before `releaseTexts`. */
  heldTexts: (() => void)[] | undefined;
  private watchers: (() => void)[] = [];

  constructor(private readonly info: Partial<ModelInfo> = {}) {}

  load(listeners: LoadListeners): Promise<ModelInfo> {
    this.listeners = listeners;
    return Promise.resolve({ ...INFO, ...this.info });
  }

  unload(): Promise<void> {
    for (const answer of this.answers) answer.fail(new InferenceError('not_loaded', 'the model is being unloaded'));
    return Promise.resolve();
  }

  stalledFor(): number {
    return this.stalled;
  }

  async encode(prompt: Prompt, signal?: AbortSignal): Promise<readonly number[]> {
    this.prompts.push(prompt);
    await this.released(signal);
    return prompt.kind === 'tokens' ? prompt.ids : [5, 6, 7];
  }

  get textsHeld(): number {
    return this.heldTexts?.length ?? 0;
  }

  releaseTexts(): void {
    for (const release of this.heldTexts ?? []) release();
    this.heldTexts = undefined;
  }

  private async released(signal: AbortSignal | undefined): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      if (!this.heldTexts) return resolve();
      this.heldTexts.push(resolve);
      signal?.addEventListener('abort', () => reject(new InferenceError('cancelled', 'the request was cancelled')));
    });
  }

  decode(ids: readonly number[]): Promise<string> {
    return Promise.resolve(ids.join(' '));
  }

  explain(): Promise<Explanation> {
    return Promise.reject(new InferenceError('request_invalid', 'not explained'));
  }

  generate(request: GenerationRequest, signal: AbortSignal): AsyncIterable<GenerationEvent> {
    const answer = new ScriptedAnswer(request, signal);
    if (this.automatic) {
      answer.say('a');
      answer.finish();
    } else {
      if (this.begins) answer.say('a');
      this.answers.push(answer);
      for (const watcher of this.watchers.splice(0)) watcher();
    }
    return answer.read();
  }

  /** The answer that was asked for as the `index`th; waits for it. */
  async answer(index: number): Promise<ScriptedAnswer> {
    while (this.answers.length <= index) await new Promise<void>((resolve) => this.watchers.push(resolve));
    return this.answers[index];
  }
}
