import type { FinishReason, InferenceErrorCode, Timings } from '../../inference/inference-provider.js';

/** Where an answer is on its way. */
export const PHASES = ['tokenize', 'queue', 'prefill', 'decode'] as const;
export type Phase = (typeof PHASES)[number];

/** How an answer ended: by a finish reason or the code of an error. */
export type Outcome = FinishReason | InferenceErrorCode | 'failed';

/** One answer that the model was asked for, as it gets on. */
export class GenerationRecord {
  promptTokens = 0;
  cachedTokens = 0;
  newTokens = 0;
  timings: Partial<Timings> = {};
  outcome: Outcome | undefined;
  /** When it ended, on the monotonic clock. */
  ended: number | undefined;

  /** @param began when the request for it came, on the monotonic clock */
  constructor(readonly began: number) {}

  /** The phase that it is in, or ended in. */
  get phase(): Phase {
    const { queued, started, firstToken } = this.timings;
    if (firstToken !== undefined) return 'decode';
    if (started !== undefined) return 'prefill';
    return queued === undefined ? 'tokenize' : 'queue';
  }
}
