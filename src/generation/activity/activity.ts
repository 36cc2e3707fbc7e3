import { Injectable } from '@nestjs/common';
import {
  type GenerationEvent,
  InferenceError,
  monotonicNow,
  type Prompt,
  type StepReport,
} from '../../inference/inference-provider.js';
import { GenerationRecord, type Outcome } from './generation-record.js';
import { RequestRecord } from './request-record.js';

/** Is told what happens, when it happens; must not throw. */
export interface ActivityListener {
  /** The network has run once. */
  onStep?(report: StepReport): void;
  onFirstToken?(generation: GenerationRecord): void;
  onGenerationEnd?(generation: GenerationRecord): void;
  onRequestEnd?(request: RequestRecord): void;
}

/** What the server is doing. Sees every answer, whichever route or module asks for it, since all ask `ModelService`. */
@Injectable()
export class Activity {
  private readonly listeners: ActivityListener[] = [];
  private readonly generations = new Set<GenerationRecord>();

  listen(listener: ActivityListener): void {
    this.listeners.push(listener);
  }

  /** Answers that have begun and not ended. */
  get open(): Iterable<GenerationRecord> {
    return this.generations;
  }

  stepped(report: StepReport): void {
    for (const listener of this.listeners) listener.onStep?.(report);
  }

  requestEnded(request: RequestRecord): void {
    for (const listener of this.listeners) listener.onRequestEnd?.(request);
  }

  /** Takes the time of a tokenization. */
  async tokenize(prompt: Prompt, encode: () => Promise<readonly number[]>): Promise<readonly number[]> {
    const request = RequestRecord.current;
    request?.prompts.push(prompt);
    const from = monotonicNow();
    try {
      const ids = await encode();
      if (request) request.encodedTokens += ids.length;
      return ids;
    } finally {
      request?.tokenizations.push({ from, to: monotonicNow() });
    }
  }

  /** Passes an answer's events on, and takes note of them. */
  follow(events: AsyncIterable<GenerationEvent>, signal: AbortSignal): AsyncGenerator<GenerationEvent, void> {
    const request = RequestRecord.current;
    const generation = new GenerationRecord(request?.began ?? monotonicNow());
    request?.generations.push(generation);
    return this.observe(generation, events, signal);
  }

  private async *observe(
    generation: GenerationRecord,
    events: AsyncIterable<GenerationEvent>,
    signal: AbortSignal,
  ): AsyncGenerator<GenerationEvent, void> {
    // Also when nobody reads on.
    const abort = (): void => this.end(generation, 'cancelled');
    this.generations.add(generation);
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    try {
      for await (const event of events) {
        this.take(generation, event);
        yield event;
      }
    } catch (error) {
      this.end(generation, error instanceof InferenceError ? error.code : 'failed');
      throw error;
    } finally {
      signal.removeEventListener('abort', abort);
      this.end(generation, 'cancelled');
    }
  }

  private take(generation: GenerationRecord, event: GenerationEvent): void {
    switch (event.type) {
      case 'start':
        generation.promptTokens = event.promptTokens;
        generation.timings = event.timings ?? {};
        return;
      case 'tokens': {
        const first = generation.newTokens === 0;
        generation.newTokens += event.ids.length;
        if (first) for (const listener of this.listeners) listener.onFirstToken?.(generation);
        return;
      }
      case 'finish':
        generation.cachedTokens = event.cachedTokens;
        return this.end(generation, event.reason);
    }
  }

  /** The first time counts. */
  private end(generation: GenerationRecord, outcome: Outcome): void {
    if (!this.generations.delete(generation)) return;
    generation.outcome = outcome;
    generation.ended = monotonicNow();
    for (const listener of this.listeners) listener.onGenerationEnd?.(generation);
  }
}
