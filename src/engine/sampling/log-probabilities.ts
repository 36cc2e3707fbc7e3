import { argmax } from './argmax.js';
import type { Candidates } from './candidates.js';
import { expOfMinus, MAX_EXPONENT } from './exponential.js';

export interface IdLogprob {
  readonly token: number;
  /** Natural logarithm of the token's probability; −Infinity for an impossible token. */
  readonly logprob: number;
}

/** How probable a chosen token was, and which were the most probable. */
export interface IdLogprobs extends IdLogprob {
  /** The most probable tokens, the most probable first; the chosen one may be among them. */
  readonly top: readonly IdLogprob[];
}

/**
 * The model's own distribution of the next token: log-softmax of its logits before bias, penalties, temperature and
 * cuts, as in OpenAI's API and vLLM (`logprobs_mode=raw_logprobs`).
 */
export class LogProbabilities {
  private logits = new Float32Array(0);

  constructor(private readonly candidates: Candidates) {}

  /** Keeps logits from before a sampler changes them. */
  capture(logits: Float32Array): void {
    if (this.logits.length !== logits.length) this.logits = new Float32Array(logits.length);
    this.logits.set(logits);
  }

  /**
   * Of the logits that were captured.
   *
   * @param top how many of the most probable tokens to list; of equally probable ones the first
   * @throws {EngineError} runtime_failed when a logit is no number, or none is finite
   */
  of(token: number, top: number): IdLogprobs {
    const { logits } = this;
    const logTotal = logSumExp(logits);
    const of = (id: number): IdLogprob => ({ token: id, logprob: logits[id] - logTotal });
    return { ...of(token), top: this.mostProbable(top).map(of) };
  }

  private mostProbable(count: number): number[] {
    if (count === 0) return [];
    const { candidates, logits } = this;
    candidates.gather(logits, Math.min(count, logits.length));
    const ids = Array.from(candidates.ids.subarray(0, candidates.count));
    return ids.sort((a, b) => logits[b] - logits[a] || a - b).slice(0, count);
  }
}

function logSumExp(logits: Float32Array): number {
  const highest = logits[argmax(logits)];
  let total = 0;
  for (const logit of logits) {
    const below = highest - logit;
    if (below < MAX_EXPONENT) total += expOfMinus(below);
  }
  return highest + Math.log(total);
}
