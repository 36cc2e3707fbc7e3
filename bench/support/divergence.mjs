/** How far a model's next-token distributions are from another's, summed up over many tokens. */
export class Divergence {
  tokens = 0;
  /** Negative log-likelihood of the true tokens, in nats. */
  loss = 0;
  agreements = 0;
  /** Kullback-Leibler divergence of the model from the reference, in nats. */
  divergence = 0;

  /** Takes in one token: the logits of both, each of the vocabulary's length, and the token that really came. */
  add(reference, model, token) {
    const referenceNorm = logSumExp(reference);
    const modelNorm = logSumExp(model);
    let divergence = 0;
    for (let i = 0; i < reference.length; i++) {
      const expected = reference[i] - referenceNorm;
      divergence += Math.exp(expected) * (expected - model[i] + modelNorm);
    }
    this.tokens++;
    this.loss += modelNorm - model[token];
    this.agreements += argmax(reference) === argmax(model) ? 1 : 0;
    this.divergence += divergence;
  }

  get result() {
    return {
      tokens: this.tokens,
      perplexity: Math.exp(this.loss / this.tokens),
      agreement: this.agreements / this.tokens,
      // Of two equal models, rounding may leave it below 0.
      divergence: Math.max(0, this.divergence / this.tokens),
    };
  }
}

function argmax(logits) {
  let best = 0;
  for (let i = 1; i < logits.length; i++) if (logits[i] > logits[best]) best = i;
  return best;
}

function logSumExp(logits) {
  const largest = logits[argmax(logits)];
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - largest);
  return largest + Math.log(sum);
}
