import { stat } from 'node:fs/promises';
import type { StepEvent } from './batching/generation-loop.js';
import { monotonicNow } from './clock.js';
import { cancelled, EngineError } from './errors.js';
import { releaseFreeMemory } from './native-heap.js';
import { checkRequest } from './request-check.js';
import { explainSampling } from './sampling/explain-sampling.js';
import { resolveSampling } from './sampling/sampling-parameters.js';
import type {
  EngineOptions,
  Explanation,
  GenerationEvent,
  GenerationRequest,
  LoadProgress,
  ModelInfo,
  Prompt,
  StepReport,
  Timings,
  TimeLimits,
} from './types.js';
import { Deferred } from './worker/deferred.js';
import { DecoderThread, type LoadedDecoder, type Progress } from './worker/decoder-thread.js';
import { TextThread } from './worker/text-thread.js';

export interface EngineHandlers {
  /** A part of the load begins, or goes on for some seconds. */
  readonly onProgress?: (progress: LoadProgress) => void;
  /** The network has run once. */
  readonly onStep?: (report: StepReport) => void;
  /** A loaded engine broke: running requests ended with this error, and it is of no more use. */
  readonly onFailure?: (error: EngineError) => void;
}

/**
 * A model that generates text, as seen from the main thread: text and network live in a thread each, and nothing here
 * takes longer than passing a message.
 */
export class Engine {
  /**
   * Loads a model folder.
   *
   * @param signal ends the load
   * @throws {EngineError} model_invalid, model_unsupported, device_unavailable or runtime_failed; cancelled by the signal
   */
  static async load(options: EngineOptions, handlers: EngineHandlers = {}, signal?: AbortSignal): Promise<Engine> {
    await assertFolder(options.modelPath);
    const broken = new Deferred<never>();
    let ready = false;
    const onFailure = (error: EngineError): void => {
      broken.reject(error);
      // One thread is of no use without the other.
      for (const thread of [decoder, text]) thread.giveUp(error);
      // Before, the load itself ends with the error.
      if (ready) handlers.onFailure?.(error);
    };
    const onProgress = (progress: LoadProgress): void => handlers.onProgress?.(progress);
    const onStep = (report: StepReport): void => handlers.onStep?.(report);
    const decoder = new DecoderThread(options, { onProgress, onStep, onFailure });
    const text = new TextThread(options.modelPath, onFailure);
    let disposing: Promise<void> | undefined;
    const dispose = (): Promise<void> => {
      disposing ??= Promise.all([text.dispose(), decoder.dispose()]).then(releaseFreeMemory);
      return disposing;
    };
    try {
      const loaded = Promise.race([Promise.all([decoder.loaded, text.loaded]), broken.promise]);
      const [loadedDecoder, loadedText] = await orAborted(loaded, signal);
      ready = true;
      return new Engine({ ...loadedDecoder.info, ...loadedText }, loadedDecoder, text, decoder, dispose);
    } catch (error) {
      await dispose();
      throw error;
    }
  }

  private lastId = 0;

  private constructor(
    readonly info: ModelInfo,
    private readonly loaded: LoadedDecoder,
    private readonly text: TextThread,
    private readonly decoder: DecoderThread,
    /** Ends running requests, frees all memory and ends the threads. */
    readonly dispose: () => Promise<void>,
  ) {}

  /** Milliseconds for which there has been work and none of it got on; 0 when there is none. */
  get stalledFor(): number {
    return Math.max(this.decoder.stalledFor, this.text.stalledFor);
  }

  /**
   * The token ids of a prompt, as a model reads them.
   *
   * @throws {EngineError} template_failed, cancelled or not_loaded
   */
  async encode(prompt: Prompt, signal?: AbortSignal): Promise<readonly number[]> {
    return prompt.kind === 'tokens' ? prompt.ids : this.text.encode(prompt, signal);
  }

  /**
   * The text of token ids, special tokens included; ids that are none have none.
   *
   * @throws {EngineError} cancelled or not_loaded
   */
  async decode(ids: readonly number[], signal?: AbortSignal): Promise<string> {
    return this.text.decode(ids, signal);
  }

  /**
   * What `generate` would do with a request, without doing it.
   *
   * @throws {EngineError} request_invalid, template_failed, cancelled or not_loaded
   */
  async explain({ prompt, ...request }: GenerationRequest, signal?: AbortSignal): Promise<Explanation> {
    checkRequest({ prompt, ...request }, this.info.vocabSize);
    const rendered = await this.text.explain(prompt, signal);
    const { defaults } = this.loaded;
    const explanation = {
      prompt: rendered,
      sampling: explainSampling(request.sampling ?? {}, defaults),
      room: this.info.contextLength - rendered.ids.length,
      eosIds: defaults.eosIds,
    };
    try {
      const maxNewTokens = this.fit(rendered.ids, request.maxNewTokens);
      return { ...explanation, maxNewTokens, refusal: undefined };
    } catch (error) {
      return { ...explanation, maxNewTokens: undefined, refusal: EngineError.from(error).serialize() };
    }
  }

  /**
   * Generates an answer: a `start`, `tokens` as they come, a `finish`. Leaving the iteration early ends the request,
   * as does the signal, in whatever state it is.
   *
   * @throws {EngineError} prompt_too_long, request_invalid, grammar_invalid, template_failed, cancelled, not_loaded or
   * runtime_failed
   */
  async *generate(request: GenerationRequest, signal?: AbortSignal): AsyncGenerator<GenerationEvent, void> {
    const received = monotonicNow();
    checkRequest(request, this.info.vocabSize);
    const { prompt, sampling, maxNewTokens, grammar, timeLimits, ...options } = request;
    const timings: Progress = { received };
    const ids = await this.encode(prompt, signal);
    const compiled = grammar && (await this.text.compile(grammar, this.info.vocabSize, signal));
    const id = ++this.lastId;
    const loopRequest = {
      ...options,
      grammar: compiled,
      id,
      prompt: Int32Array.from(ids),
      deadlines: timeLimits && addTo(received, timeLimits),
      maxNewTokens: this.fit(ids, maxNewTokens),
      sampling: resolveSampling(sampling ?? {}, this.loaded.defaults.sampling),
    };
    timings.queued = monotonicNow();
    const queue = this.decoder.submit(loopRequest, timings);
    const abort = (): void => {
      queue.fail(cancelled());
      // Also when nobody reads on, and so nothing below is reached.
      this.decoder.release(id, false);
    };
    signal?.addEventListener('abort', abort, { once: true });
    if (signal?.aborted) abort();
    const promptTokens = ids.length;
    let newTokens = 0;
    let finished = false;
    try {
      yield { type: 'start', promptTokens, timings };
      while (!finished) {
        const steps = await queue.next();
        const event = tokensEvent(steps);
        newTokens += event.ids.length;
        yield event;
        const last = steps.at(-1);
        if (last?.finish) {
          finished = true;
          const { finish, cachedTokens, thoughtTokens } = last;
          const thought = thoughtTokens === undefined ? {} : { thoughtTokens };
          const counts = { promptTokens, cachedTokens, newTokens, ...thought };
          yield { type: 'finish', ...finish, ...counts, ...(isComplete(timings) && { timings }) };
        }
      }
    } finally {
      signal?.removeEventListener('abort', abort);
      this.decoder.release(id, finished);
    }
  }

  /** @returns how many tokens the answer may have */
  private fit(ids: readonly number[], wanted: number | undefined): number {
    const { contextLength, vocabSize } = this.info;
    if (ids.length === 0) throw new EngineError('request_invalid', 'the prompt has no tokens');
    const unknown = ids.find((id) => !(Number.isInteger(id) && id >= 0 && id < vocabSize));
    if (unknown !== undefined) {
      throw new EngineError(
        'request_invalid',
        `the prompt has token ${unknown}, but the model knows only 0 to ${vocabSize - 1}`,
      );
    }
    const room = contextLength - ids.length;
    if (room < 1) {
      throw new EngineError(
        'prompt_too_long',
        `the prompt has ${ids.length} tokens, but the context holds ${contextLength}, of which at least one is for the answer`,
      );
    }
    if (wanted !== undefined && wanted > room) {
      throw new EngineError(
        'prompt_too_long',
        `the prompt has ${ids.length} tokens and the answer may have ${wanted}, but the context holds ${contextLength} together`,
      );
    }
    return wanted ?? room;
  }
}

type TokensEvent = Extract<GenerationEvent, { type: 'tokens' }>;

/** Not of an answer whose time was over before it began. */
function isComplete(timings: Progress): timings is Timings {
  return timings.firstToken !== undefined && timings.finished !== undefined;
}

function tokensEvent(steps: readonly StepEvent[]): TokensEvent {
  const logprobs = steps.flatMap((step) => step.logprobs ?? []);
  return {
    type: 'tokens',
    text: steps.map(({ text }) => text).join(''),
    ids: steps.flatMap(({ token }) => token ?? []),
    ...(steps.length > 1 && { texts: steps.flatMap(({ token, text }) => (token === undefined ? [] : text)) }),
    ...(logprobs.length > 0 && { logprobs }),
    ...(steps[0].promptLogprobs && { promptLogprobs: steps[0].promptLogprobs }),
    ...(steps[steps.length - 1].finish && { last: true }),
  };
}

/** Limits as moments. */
function addTo(received: number, { queue, firstToken, whole }: TimeLimits): TimeLimits {
  const moment = (limit: number | undefined): number | undefined => (limit === undefined ? limit : received + limit);
  return { queue: moment(queue), firstToken: moment(firstToken), whole: moment(whole) };
}

/** Before any thread reads a file and says that this one is missing. */
async function assertFolder(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (!found) throw new EngineError('model_invalid', 'the folder does not exist');
  if (!found.isDirectory()) throw new EngineError('model_invalid', 'is not a folder');
}

/** The promise, unless the signal comes first. */
async function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  // When the signal comes first, nobody is left to hear how the promise ends.
  promise.catch(() => undefined);
  if (signal.aborted) throw cancelled();
  let abort!: () => void;
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(cancelled());
    signal.addEventListener('abort', abort, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
