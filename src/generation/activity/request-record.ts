import { AsyncLocalStorage } from 'node:async_hooks';
import { RefusedError, type RefusalReason } from '../../common/refused.error.js';
import { InferenceError, monotonicNow, type Prompt } from '../../inference/inference-provider.js';
import { ModelNotLoadedError } from '../../inference/model-not-loaded.error.js';
import type { GenerationRecord, Outcome } from './generation-record.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** None for a request that is refused before any hook sees it. */
    record?: RequestRecord;
  }
}

/** Asked for every few seconds, by machines. */
const PROBES = /^\/(health|metrics)(\/|$)/;

/** Some time on the monotonic clock, in milliseconds. */
export interface Interval {
  readonly from: number;
  readonly to: number;
}

/** How a request ended; several answers may end in several ways. */
export type RequestOutcome = Outcome | RefusalReason | 'ok' | 'invalid' | 'not_found';

const current = new AsyncLocalStorage<RequestRecord>();

/** What became of one HTTP request: all that the log, the metrics and the traces have to know of it. */
export class RequestRecord {
  readonly began = monotonicNow();
  /** Answers that the model was asked for. */
  readonly generations: GenerationRecord[] = [];
  /** Prompts as they came, and when they were rendered and tokenized. */
  readonly prompts: Prompt[] = [];
  readonly tokenizations: Interval[] = [];
  /** Of the prompts that were tokenized before they were asked answers to. */
  encodedTokens = 0;
  /** Who sends it; not known of one that is refused at the door. */
  client: string | undefined;
  /** Of the trace that it belongs to, in hexadecimal. */
  traceId: string | undefined;
  ended = this.began;
  status = 0;
  private error: unknown;
  private gone = false;

  /**
   * @param method of HTTP
   * @param route the pattern that the path matched; undefined when there is none
   * @param traceparent W3C's header, if there was one
   */
  constructor(
    readonly method: string,
    readonly route: string | undefined,
    readonly traceparent: string | undefined,
  ) {
    this.traceId = /^[\da-f]{2}-([\da-f]{32})-[\da-f]{16}-[\da-f]{2}/.exec(traceparent ?? '')?.[1];
  }

  /** Whether it asks how the server is, and not for work. */
  get isProbe(): boolean {
    return PROBES.test(this.route ?? '');
  }

  /** The record of the request that is being worked on here. */
  static get current(): RequestRecord | undefined {
    return current.getStore();
  }

  /** Does something that is part of the request, as is whatever follows from it. */
  within(work: () => void): void {
    current.run(this, work);
  }

  /** Remembers why the request has no answer; the first error counts. */
  fail(error: unknown): void {
    this.error ??= error;
  }

  /** @param gone whether the client left before it had the whole answer */
  end(status: number, gone: boolean): void {
    this.ended = monotonicNow();
    this.status = status;
    this.gone = gone;
  }

  /** Of the prompts, each once, however many answers it has. */
  get promptTokens(): number {
    if (this.generations.length === 0) return 0;
    return this.encodedTokens || this.generations.reduce((sum, { promptTokens }) => sum + promptTokens, 0);
  }

  /** Those of the prompts that nothing was computed for. */
  get cachedTokens(): number {
    const computed = this.generations.reduce(
      (sum, generation) => sum + generation.promptTokens - generation.cachedTokens,
      0,
    );
    return Math.max(0, this.promptTokens - computed);
  }

  get newTokens(): number {
    return this.generations.reduce((sum, { newTokens }) => sum + newTokens, 0);
  }

  /** The ways in which it ended, each once. */
  get outcomes(): readonly RequestOutcome[] {
    if (this.gone) return ['cancelled'];
    if (this.error !== undefined || this.generations.length === 0) return [outcomeOf(this.error, this.status)];
    return [...new Set(this.generations.map(({ outcome }) => outcome ?? 'cancelled'))];
  }
}

function outcomeOf(error: unknown, status: number): RequestOutcome {
  if (error instanceof RefusedError) return error.reason;
  if (error instanceof ModelNotLoadedError) return 'not_loaded';
  if (error instanceof InferenceError) return error.code;
  if (status < 400) return 'ok';
  if (status === 404 || status === 405) return 'not_found';
  return status < 500 ? 'invalid' : 'failed';
}
