import type { LoopEvent, LoopReport, LoopRequest, StepEvent } from '../batching/generation-loop.js';
import { EngineError } from '../errors.js';
import type { GenerationDefaults } from '../model/generation-config.js';
import type { DecoderInfo } from '../model/loaded-model.js';
import { OrtInterrupt } from '../ort/interrupt.js';
import type { EngineOptions, LoadProgress, StepReport, Timings } from '../types.js';
import { Deferred } from './deferred.js';
import { EventQueue } from './event-queue.js';
import { LoadMeter } from './load-meter.js';
import type { DecoderCommand, DecoderMessage, DecoderWorkerData } from './protocol.js';
import { WorkerThread } from './worker-thread.js';

export interface LoadedDecoder {
  readonly info: DecoderInfo;
  readonly defaults: GenerationDefaults;
}

/** Filled in as a request gets on. */
export type Progress = { -readonly [Moment in keyof Timings]?: Timings[Moment] };

interface Submission {
  readonly queue: EventQueue<StepEvent>;
  readonly progress: Progress;
}

export interface DecoderThreadHandlers {
  readonly onStep: (report: StepReport) => void;
  readonly onProgress: (progress: LoadProgress) => void;
  readonly onFailure: (error: EngineError) => void;
}

/** The decoder's thread, as the main thread sees it. */
export class DecoderThread {
  private readonly interrupt = new OrtInterrupt();
  private readonly thread: WorkerThread<DecoderCommand, DecoderMessage>;
  private readonly loading = new Deferred<LoadedDecoder>();
  private readonly submissions = new Map<number, Submission>();
  private readonly meter: LoadMeter;
  private failure: EngineError | undefined;

  constructor(
    options: EngineOptions,
    private readonly handlers: DecoderThreadHandlers,
  ) {
    this.meter = new LoadMeter(handlers.onProgress);
    const data: DecoderWorkerData = { options, interrupt: this.interrupt.handles };
    this.thread = new WorkerThread('./decoder-worker.js', data, {
      onMessage: (message) => this.receive(message),
      onFailure: (error) => this.fail(error),
    });
  }

  /** @throws {EngineError} what is wrong with the model */
  get loaded(): Promise<LoadedDecoder> {
    return this.loading.promise;
  }

  /**
   * Hands a request to the loop; its events come through the queue.
   *
   * @param progress is filled in
   */
  submit(request: LoopRequest, progress: Progress): EventQueue<StepEvent> {
    const queue = new EventQueue<StepEvent>();
    if (this.failure) {
      queue.fail(this.failure);
    } else {
      this.submissions.set(request.id, { queue, progress });
      this.thread.post({ type: 'submit', request });
    }
    return queue;
  }

  /** Ends a request, finished or not: no event comes any more, and its slot is freed. */
  release(id: number, finished: boolean): void {
    if (this.submissions.delete(id) && !finished) this.thread.post({ type: 'cancel', id });
  }

  /** Stops whatever the thread is doing, frees all that is native and ends the thread. */
  async dispose(): Promise<void> {
    this.fail(new EngineError('not_loaded', 'the model is being unloaded'), false);
    this.interrupt.raise();
    await this.thread.finish({ type: 'dispose' });
    this.interrupt.dispose();
  }

  private receive(message: DecoderMessage): void {
    // What the thread said before it was told to end.
    if (this.failure) return;
    switch (message.type) {
      case 'phase':
        return this.meter.begin(message);
      case 'ready':
        this.meter.end();
        return this.loading.resolve(message);
      case 'failed':
        return this.fail(EngineError.deserialize(message.error));
      case 'step':
        for (const { id } of message.report.started) this.note(id, 'started', message.report.began);
        for (const event of message.events) this.deliver(event, message.report);
        this.handlers.onStep(message.report);
    }
  }

  private deliver(event: LoopEvent, { ended }: LoopReport): void {
    const queue = this.submissions.get(event.id)?.queue;
    if (!('error' in event)) {
      this.note(event.id, 'firstToken', ended);
      if (event.finish) this.note(event.id, 'finished', ended);
      return queue?.push(event);
    }
    this.submissions.delete(event.id);
    queue?.fail(EngineError.deserialize(event.error));
  }

  /** Remembers when something happened first. */
  private note(id: number, moment: keyof Timings, time: number): void {
    const submission = this.submissions.get(id);
    if (submission) submission.progress[moment] ??= time;
  }

  private fail(error: EngineError, unexpected = true): void {
    if (this.failure) return;
    this.failure = error;
    this.meter.end();
    this.loading.reject(error);
    for (const { queue } of this.submissions.values()) queue.fail(error);
    this.submissions.clear();
    if (unexpected) this.handlers.onFailure(error);
  }
}
