import type { SamplingParameters } from './sampling-parameters.js';

const MAX_FLOAT32 = (2 - 2 ** -23) * 2 ** 127;

/**
 * Makes tokens of one sequence more or less likely because they were there before: repetition, frequency and presence
 * penalty, in this order and with the meaning that they have in vLLM.
 */
export class Penalties {
  /** Tokens of the prompt and the answer, each once. */
  private readonly ids: number[] = [];
  /** How often each is in the answer. */
  private readonly counts: number[] = [];
  private readonly places = new Map<number, number>();

  /** @returns undefined when the parameters ask for none */
  static of(parameters: SamplingParameters, promptIds: ArrayLike<number>): Penalties | undefined {
    const { repetitionPenalty, frequencyPenalty, presencePenalty } = parameters;
    if (repetitionPenalty === 1 && frequencyPenalty === 0 && presencePenalty === 0) return undefined;
    // Only the repetition penalty is about the prompt as well.
    return new Penalties(parameters, repetitionPenalty === 1 ? [] : promptIds);
  }

  private constructor(
    private readonly parameters: SamplingParameters,
    promptIds: ArrayLike<number>,
  ) {
    for (const id of Array.from(promptIds)) this.placeOf(id);
  }

  /** Counts a token of the answer. */
  add(token: number): void {
    this.counts[this.placeOf(token)]++;
  }

  /** @param logits one for each token of the vocabulary; changed by this call */
  apply(logits: Float32Array): void {
    const { repetitionPenalty, frequencyPenalty, presencePenalty } = this.parameters;
    const { ids, counts } = this;
    for (let i = 0; i < ids.length; i++) {
      let logit = penalize(logits[ids[i]], repetitionPenalty);
      if (counts[i] > 0) logit -= counts[i] * frequencyPenalty + presencePenalty;
      logits[ids[i]] = logit;
    }
  }

  private placeOf(token: number): number {
    const known = this.places.get(token);
    if (known !== undefined) return known;
    this.places.set(token, this.ids.length);
    this.counts.push(0);
    return this.ids.push(token) - 1;
  }
}

/** Stays finite whatever the penalty is, so that a token is left to choose; what is impossible stays so. */
function penalize(logit: number, penalty: number): number {
  if (logit === -Infinity) return logit;
  const penalized = logit > 0 ? logit / penalty : logit * penalty;
  return Math.max(-MAX_FLOAT32, Math.min(penalized, MAX_FLOAT32));
}
