import { NgramIndex } from './ngram-index.js';
import type { Sequence } from './sequence.js';

/**
 * Drafts how a sequence may go on, for the network to check in one step (speculative decoding by prompt lookup, as in
 * transformers' `prompt_lookup_num_tokens`). A draft is as long as the last ones deserved: one token more is predicted
 * than is drafted, which costs nothing, and the next draft may be twice as long as what was right. So text that repeats
 * nothing has no drafts, and a copy soon has long ones.
 */
export class Drafter {
  private readonly index: NgramIndex;
  private predicted: readonly number[] = [];
  /** Where in the sequence the prediction begins. */
  private predictedAt = 0;
  /** Most tokens of the next draft. */
  private allowed = 0;

  /** @param most tokens of one draft */
  constructor(
    private readonly sequence: Sequence,
    private readonly most: number,
  ) {
    this.index = new NgramIndex(sequence);
  }

  /**
   * @param room most tokens that are of use
   * @returns tokens that may come next; often none
   */
  draft(room: number): readonly number[] {
    this.learn();
    this.predicted = this.index.predict(this.allowed + 1);
    this.predictedAt = this.sequence.length;
    return this.predicted.slice(0, Math.min(this.allowed, room));
  }

  private learn(): void {
    const { sequence, predicted, predictedAt } = this;
    if (predicted.length === 0) return;
    let right = 0;
    while (right < predicted.length && sequence.tokenAt(predictedAt + right) === predicted[right]) right++;
    this.allowed = Math.min(2 * right, this.most);
  }
}
