import { EngineError } from '../errors.js';

/**
 * The token with the largest logit; the first of several.
 *
 * @param logits one for each token of the vocabulary; −Infinity for what is impossible
 * @throws {EngineError} runtime_failed when a logit is no number, or none is finite
 */
export function argmax(logits: Float32Array): number {
  const { length } = logits;
  let best = 0;
  let highest = -Infinity;
  let id = 0;
  // Four at once take a fifth less time. The comparison is the one that fails for what is no number, which costs
  // nothing here and is found out about below.
  for (; id + 3 < length; id += 4) {
    if (logits[id] <= highest && logits[id + 1] <= highest && logits[id + 2] <= highest && logits[id + 3] <= highest)
      continue;
    for (let i = id; i < id + 4; i++) {
      const logit = logits[i];
      if (logit <= highest) continue;
      assertNumber(logit, i);
      highest = logit;
      best = i;
    }
  }
  for (; id < length; id++) {
    const logit = logits[id];
    if (logit <= highest) continue;
    assertNumber(logit, id);
    highest = logit;
    best = id;
  }
  assertFinite(highest);
  return best;
}

/** @throws {EngineError} runtime_failed */
export function assertNumber(logit: number, token: number): void {
  if (Number.isNaN(logit)) throw new EngineError('runtime_failed', `the logit of token ${token} is not a number`);
}

/** @throws {EngineError} runtime_failed */
export function assertFinite(highest: number): void {
  if (!Number.isFinite(highest)) {
    throw new EngineError('runtime_failed', `no token can be chosen: the largest logit is ${highest}`);
  }
}
