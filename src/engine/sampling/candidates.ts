import { argmax, assertFinite, assertNumber } from './argmax.js';
import { expOfMinus, MAX_EXPONENT } from './exponential.js';
import type { SamplingParameters } from './sampling-parameters.js';
import { findThreshold } from './threshold.js';
import { typicalOf } from './typical.js';

/** Up to here a heap of the k largest is fastest; it takes the time of one pass when k is small. */
const MAX_HEAP = 1024;
const SMALLEST_NORMAL = 2 ** -1022;
const MAX_FLOAT32 = (2 - 2 ** -23) * 2 ** 127;

type SelectionParameters = Pick<SamplingParameters, 'temperature' | 'topK' | 'topP' | 'minP' | 'typicalP'>;

/**
 * The tokens that may be drawn, in the order of their ids, with weights that need not add up to 1. Its arrays are as long as the vocabulary and used again for every token, so all samplers of a thread share one.
 */
export class Candidates {
  count = 0;
  ids = new Int32Array(0);
  weights = new Float64Array(0);
  private total = 0;
  private workspace = new Float64Array(0);
  private readonly heap = new Float64Array(MAX_HEAP);

  /**
   * Applies temperature, top-k, top-p, min-p and typical-p, in this order, which is that of transformers. Like there,
   * top-k keeps every token that ties with the k-th.
   *
   * Tokens of less than 2⁻⁵⁰ of the highest probability are left out: all those of a vocabulary together have less
   * than one step of the random numbers.
   *
   * @param logits one for each token of the vocabulary
   * @throws {EngineError} runtime_failed when a logit is no number, or none is finite
   */
  select(logits: Float32Array, parameters: SelectionParameters): void {
    const { temperature, topK, topP, minP, typicalP } = parameters;
    this.reserve(logits.length);
    // Without a nucleus, whose size depends on all weights, nobody asks for those that min-p takes away.
    const exponent = minP > 0 && topP >= 1 ? Math.min(MAX_EXPONENT, 1e-6 - Math.log(minP)) : MAX_EXPONENT;
    if (topK === 0 || topK >= logits.length) {
      this.weigh(logits, logits[argmax(logits)], temperature, exponent);
    } else {
      this.gather(logits, topK);
      this.weighGathered(temperature, exponent);
    }
    if (topP < 1) this.keepNucleus(topP);
    if (minP > 0) this.keep(minP);
    if (typicalP < 1) this.keepTypical(typicalP);
  }

  /** @param uniform a random number from 0 up to, not including, 1 */
  draw(uniform: number): number {
    const { ids, weights, count } = this;
    let left = uniform * this.total;
    for (let i = 0; i < count; i++) {
      left -= weights[i];
      if (left < 0) return ids[i];
    }
    return ids[count - 1];
  }

  /**
   * Makes the k tokens with the largest logits the candidates, and those that tie with the last of them. Their weights
   * are their logits.
   *
   * @param k from 1 to the size of the vocabulary
   * @throws {EngineError} runtime_failed when a logit is no number, or none is finite
   */
  gather(logits: Float32Array, k: number): void {
    this.reserve(logits.length);
    this.keep(k <= MAX_HEAP ? this.gatherByHeap(logits, k) : this.gatherAll(logits, k));
  }

  /** Gathers what is among the k largest so far. @returns the k-th largest of all */
  private gatherByHeap(logits: Float32Array, k: number): number {
    const { ids, weights } = this;
    const heap = this.heap.subarray(0, k);
    let smallest = -Infinity;
    let highest = -Infinity;
    let count = 0;
    for (let id = 0; id < logits.length; id++) {
      const logit = logits[id];
      if (logit < smallest) continue;
      assertNumber(logit, id);
      if (logit > highest) highest = logit;
      ids[count] = id;
      weights[count++] = logit;
      if (count < k) {
        heap[count - 1] = logit;
      } else if (count === k) {
        heap[count - 1] = logit;
        heap.sort();
        smallest = heap[0];
      } else if (logit > smallest) {
        heap[0] = logit;
        siftDown(heap);
        smallest = heap[0];
      }
    }
    assertFinite(highest);
    this.count = count;
    return smallest;
  }

  /** @returns the k-th largest */
  private gatherAll(logits: Float32Array, k: number): number {
    argmax(logits);
    this.count = logits.length;
    for (let id = 0; id < logits.length; id++) {
      this.ids[id] = id;
      this.weights[id] = this.workspace[id] = logits[id];
    }
    return findThreshold(this.workspace, this.count, k, 'one').value;
  }

  /** Makes all tokens candidates, but those of a weight below e to the power of minus `exponent`. */
  private weigh(logits: Float32Array, highest: number, temperature: number, exponent: number): void {
    const { ids, weights } = this;
    const floor = floorOf(highest, temperature, exponent);
    const scale = scaleOf(temperature);
    let count = 0;
    let total = 0;
    for (let id = 0; id < logits.length; id++) {
      const logit = logits[id];
      if (logit < floor) continue;
      const weight = expOfMinus((highest - logit) * scale);
      ids[count] = id;
      weights[count++] = weight;
      total += weight;
    }
    this.count = count;
    this.total = total;
  }

  /** The same for candidates whose weights are still their logits. */
  private weighGathered(temperature: number, exponent: number): void {
    const { weights } = this;
    let highest = -Infinity;
    for (let i = 0; i < this.count; i++) highest = Math.max(highest, weights[i]);
    const floor = floorOf(highest, temperature, exponent);
    const scale = scaleOf(temperature);
    this.keep(floor);
    this.total = 0;
    for (let i = 0; i < this.count; i++) {
      weights[i] = expOfMinus((highest - weights[i]) * scale);
      this.total += weights[i];
    }
  }

  /** The smallest set of most probable tokens whose probabilities reach `topP`; the first of equally probable ones. */
  private keepNucleus(topP: number): void {
    // Never nothing: a thread in which a session has run may take subnormal numbers for zero.
    const wanted = Math.max(topP * this.total, SMALLEST_NORMAL);
    // Tokens below this are outside for certain: all of them together weigh less than what may be left out. It spares
    // looking for the threshold among the long tail.
    this.keep(((1 - topP) * this.total) / this.count);
    this.workspace.set(this.weights.subarray(0, this.count));
    const { value, above } = findThreshold(this.workspace, this.count, wanted, 'value');
    this.keep(value, Math.ceil((wanted - above) / value));
  }

  private keepTypical(typicalP: number): void {
    const { weights, count } = this;
    const isTypical = typicalOf(weights.subarray(0, count), this.total, typicalP);
    for (let i = 0; i < count; i++) if (!isTypical(weights[i])) weights[i] = 0;
    this.keep(SMALLEST_NORMAL);
  }

  /** Takes away what weighs less than `least`, and all but the first `ties` of those that weigh exactly that. */
  private keep(least: number, ties = Infinity): void {
    const { ids, weights } = this;
    let count = 0;
    let total = 0;
    for (let i = 0; i < this.count; i++) {
      const weight = weights[i];
      if (weight < least || (weight === least && ties-- < 1)) continue;
      ids[count] = ids[i];
      weights[count++] = weight;
      total += weight;
    }
    this.count = count;
    this.total = total;
  }

  private reserve(vocabSize: number): void {
    if (this.ids.length >= vocabSize) return;
    this.ids = new Int32Array(vocabSize);
    this.weights = new Float64Array(vocabSize);
    this.workspace = new Float64Array(vocabSize);
  }
}

/** The logit below which a token weighs less than e to the power of minus `exponent`; never that of impossible ones. */
function floorOf(highest: number, temperature: number, exponent: number): number {
  return Math.max(-MAX_FLOAT32, highest - exponent * temperature);
}

/** Stays finite for a temperature of next to nothing: 0 times infinity would be no number. */
function scaleOf(temperature: number): number {
  return Math.min(1 / temperature, Number.MAX_VALUE);
}

/** Restores the order of a heap whose smallest value, at the top, was replaced. */
function siftDown(heap: Float64Array): void {
  const value = heap[0];
  let parent = 0;
  for (;;) {
    const left = 2 * parent + 1;
    if (left >= heap.length) break;
    const right = left + 1;
    const child = right < heap.length && heap[right] < heap[left] ? right : left;
    if (value <= heap[child]) break;
    heap[parent] = heap[child];
    parent = child;
  }
  heap[parent] = value;
}
