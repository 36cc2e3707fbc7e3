import { argmax } from './argmax.js';
import { Candidates } from './candidates.js';
import { Penalties } from './penalties.js';
import { Random } from './random.js';
import type { SamplingParameters } from './sampling-parameters.js';

/**
 * Chooses the tokens of one sequence. What is asked for applies in the order of vLLM and of transformers: bias;
 * repetition, frequency and presence penalty; forbidden tokens; then the most probable token is taken, or one is drawn
 * after temperature, top-k, top-p, min-p and typical-p.
 */
export class Sampler {
  private readonly random: Random;
  private readonly penalties: Penalties | undefined;

  /** @param candidates working memory, which samplers of one thread can share */
  constructor(
    private readonly parameters: SamplingParameters,
    promptIds: ArrayLike<number>,
    seed?: number,
    private readonly candidates = new Candidates(),
  ) {
    this.random = new Random(seed);
    this.penalties = Penalties.of(parameters, promptIds);
  }

  /**
   * The next token.
   *
   * @param logits one for each token of the vocabulary; changed by this call
   * @param forbidden tokens that cannot be chosen this time
   * @param constrain makes the logits of further tokens −Infinity
   * @throws {EngineError} runtime_failed when a logit is no number, or none is finite
   */
  next(logits: Float32Array, forbidden: Iterable<number> = [], constrain?: (logits: Float32Array) => void): number {
    const { doSample, logitBias } = this.parameters;
    for (const [id, bias] of logitBias) logits[id] += bias;
    this.penalties?.apply(logits);
    for (const id of forbidden) logits[id] = -Infinity;
    constrain?.(logits);
    const token = doSample ? this.draw(logits) : argmax(logits);
    this.penalties?.add(token);
    return token;
  }

  private draw(logits: Float32Array): number {
    this.candidates.select(logits, this.parameters);
    return this.candidates.draw(this.random.next());
  }
}
