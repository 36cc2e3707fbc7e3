import { Random } from './random.js';
import type { SamplingParameters } from './sampling-parameters.js';

const MAX_FLOAT32 = (2 - 2 ** -23) * 2 ** 127;

/** Chooses the tokens of one sequence. */
export class Sampler {
  private readonly random: Random;
  /** Tokens of the prompt and the answer so far, each once. */
  private readonly seen = new Set<number>();

  constructor(
    private readonly parameters: SamplingParameters,
    promptIds: ArrayLike<number>,
    seed?: number,
  ) {
    this.random = new Random(seed);
    if (parameters.repetitionPenalty !== 1) for (const id of Array.from(promptIds)) this.seen.add(id);
  }

  /**
   * The next token.
   *
   * @param logits one for each token of the vocabulary; changed by this call
   */
  next(logits: Float32Array): number {
    const { doSample, repetitionPenalty } = this.parameters;
    for (const id of this.seen) logits[id] = penalize(logits[id], repetitionPenalty);
    const best = argmax(logits);
    const token = doSample ? (draw(candidates(logits, this.parameters), this.random.next()) ?? best) : best;
    if (repetitionPenalty !== 1) this.seen.add(token);
    return token;
  }
}

/** Stays finite whatever the penalty is: a difference of infinities would be no number. */
function penalize(logit: number, penalty: number): number {
  const penalized = logit > 0 ? logit / penalty : logit * penalty;
  return Math.max(-MAX_FLOAT32, Math.min(penalized, MAX_FLOAT32));
}

/** The first of the largest; what is no number counts as smallest. */
export function argmax(logits: Float32Array): number {
  let best = 0;
  let value = -Infinity;
  for (let id = 0; id < logits.length; id++) {
    if (logits[id] > value) {
      value = logits[id];
      best = id;
    }
  }
  return best;
}

/** Tokens that may be drawn, with weights that need not add up to 1. */
export interface Candidates {
  readonly ids: Int32Array;
  readonly weights: Float64Array;
}

/** Applies temperature, top-k, top-p and min-p, in this order. */
export function candidates(logits: Float32Array, parameters: SamplingParameters): Candidates {
  const { temperature, topK, topP, minP } = parameters;
  const highest = logits[argmax(logits)];
  const threshold = topK > 0 && topK < logits.length ? kthLargest(logits, topK) : -Infinity;
  let ids = new Int32Array(logits.length);
  let weights = new Float64Array(logits.length);
  let count = 0;
  for (let id = 0; id < logits.length; id++) {
    if (logits[id] < threshold) continue;
    ids[count] = id;
    weights[count++] = Math.exp((logits[id] - highest) / temperature);
  }
  ids = ids.subarray(0, count);
  weights = weights.subarray(0, count);
  if (topP < 1) ({ ids, weights } = nucleus({ ids, weights }, topP));
  // The highest weight is exp(0) = 1, so weights are already relative to it.
  return minP > 0 ? keep({ ids, weights }, (weight) => weight >= minP) : { ids, weights };
}

/** The smallest set of most probable tokens whose probabilities reach `topP`; at least one. */
function nucleus(
  { ids, weights }: Candidates,
  topP: number,
): { ids: Int32Array<ArrayBuffer>; weights: Float64Array<ArrayBuffer> } {
  const total = sum(weights);
  // Tokens below this are outside for certain: all of them together weigh less than what may be left out. It spares
  // sorting the long tail.
  const floor = ((1 - topP) * total) / weights.length;
  const likely = keep({ ids, weights }, (weight) => weight >= floor);
  const order = Uint32Array.from(likely.ids.keys()).sort((a, b) => likely.weights[b] - likely.weights[a] || a - b);
  let reached = 0;
  let count = 0;
  while (count < order.length && (count === 0 || reached < topP * total)) reached += likely.weights[order[count++]];
  const kept = order.subarray(0, count);
  return {
    ids: Int32Array.from(kept, (i) => likely.ids[i]),
    weights: Float64Array.from(kept, (i) => likely.weights[i]),
  };
}

function keep(
  { ids, weights }: Candidates,
  wanted: (weight: number) => boolean,
): { ids: Int32Array<ArrayBuffer>; weights: Float64Array<ArrayBuffer> } {
  return {
    ids: Int32Array.from(ids.filter((_, i) => wanted(weights[i]))),
    weights: Float64Array.from(weights.filter(wanted)),
  };
}

/**
 * @param uniform a random number from 0 up to, not including, 1
 * @returns undefined when the weights are none to draw by, which takes logits that are not finite
 */
function draw({ ids, weights }: Candidates, uniform: number): number | undefined {
  let left = uniform * sum(weights);
  if (Number.isNaN(left)) return undefined;
  for (let i = 0; i < ids.length; i++) {
    left -= weights[i];
    if (left < 0) return ids[i];
  }
  return ids[ids.length - 1];
}

function sum(values: Float64Array): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

/** The k-th largest value, by a heap of the k largest; k is small against the length. */
export function kthLargest(values: Float32Array, k: number): number {
  const heap = values.slice(0, k).sort();
  for (let i = k; i < values.length; i++) {
    if (values[i] <= heap[0]) continue;
    heap[0] = values[i];
    siftDown(heap);
  }
  return heap[0];
}

function siftDown(heap: Float32Array): void {
  let parent = 0;
  for (;;) {
    const left = 2 * parent + 1;
    if (left >= heap.length) return;
    const right = left + 1;
    const child = right < heap.length && heap[right] < heap[left] ? right : left;
    if (heap[parent] <= heap[child]) return;
    [heap[parent], heap[child]] = [heap[child], heap[parent]];
    parent = child;
  }
}
