import type { Runner } from '../../../../src/engine/batching/generation-loop.js';
import { PROMPT_LOGITS_ROWS } from '../../../../src/engine/batching/scheduler.js';
import type { CacheMove } from '../../../../src/engine/batching/slots.js';
import type { StepBatch } from '../../../../src/engine/runner/decoder-runner.js';

export interface FakeNetworkSize {
  readonly slots: number;
  /** Positions of a slot. */
  readonly capacity: number;
  readonly vocabSize: number;
  readonly prefillChunk: number;
  /** Tokens that a row may have beyond one; none if left out. */
  readonly speculativeTokens?: number;
  /** How much the logits are for `habitual` tokens; 0, not at all, if left out. */
  readonly habit?: number;
}

const NEVER_WRITTEN = -1;

/**
 * Behaves like the network and its KV cache: a step writes its tokens into the slots at the positions it names, and the
 * logits are a hash of everything that the slot then holds up to that position. Reading another slot, another position
 * or what another request left behind gives other logits. What a slot held is not cleared between requests.
 */
export class FakeNetwork implements Runner {
  readonly vocabSize: number;
  /** Every batch that was run. */
  readonly batches: StepBatch[] = [];
  /** Every copy and exchange that was made. */
  readonly moves: CacheMove[] = [];
  private readonly slots: readonly Int32Array[];
  private readonly logits: Float32Array;
  /** Most rows whose logits may be wanted. */
  private readonly logitsRows: number;

  constructor(private readonly size: FakeNetworkSize) {
    this.vocabSize = size.vocabSize;
    this.slots = Array.from({ length: size.slots }, () => new Int32Array(size.capacity).fill(NEVER_WRITTEN));
    this.logitsRows = Math.max(size.slots, 1 + (size.speculativeTokens ?? 0), PROMPT_LOGITS_ROWS);
    this.logits = new Float32Array(this.logitsRows * size.vocabSize);
  }

  step(batch: StepBatch): Float32Array {
    this.check(batch);
    this.batches.push(batch);
    const { firstSlot, rows, tokensPerRow, tokens, cached, logitsRows } = batch;
    for (let row = 0; row < rows; row++) {
      for (let i = 0; i < tokensPerRow; i++)
        this.slots[firstSlot + row][cached[row] + i] = tokens[row * tokensPerRow + i];
    }
    // As in the real runner, one buffer that the next step overwrites.
    this.logits.fill(NaN);
    logitsRows.forEach((flatRow, i) => {
      const row = Math.floor(flatRow / tokensPerRow);
      const end = cached[row] + (flatRow % tokensPerRow) + 1;
      const logits = logitsAfter(this.slots[firstSlot + row].subarray(0, end), this.vocabSize, this.size.habit);
      this.logits.set(logits, i * this.vocabSize);
    });
    return this.logits.subarray(0, logitsRows.length * this.vocabSize);
  }

  copy(from: number, to: number, tokens: number): void {
    this.checkMove(from, to, tokens);
    this.moves.push({ kind: 'copy', from, to, tokens });
    this.slots[to].set(this.slots[from].subarray(0, tokens));
  }

  exchange(from: number, to: number, tokens: number): void {
    this.checkMove(from, to, tokens);
    this.moves.push({ kind: 'exchange', from, to, tokens });
    const spare = this.slots[from].slice(0, tokens);
    this.slots[from].set(this.slots[to].subarray(0, tokens));
    this.slots[to].set(spare);
  }

  private checkMove(from: number, to: number, tokens: number): void {
    const { slots, capacity } = this.size;
    must([from, to].every((slot) => slot >= 0 && slot < slots) && from !== to, 'two slots take part in a move');
    must(tokens >= 1 && tokens <= capacity, 'the tokens of a move fit a slot');
  }

  /** What the real runner relies on without saying so, or would read out of bounds for. */
  private check({ firstSlot, rows, tokensPerRow, tokens, cached, logitsRows }: StepBatch): void {
    const { slots, capacity, vocabSize, prefillChunk } = this.size;
    const { logitsRows: mostLogitsRows } = this;
    must(rows >= 1 && firstSlot >= 0 && firstSlot + rows <= slots, 'the rows are slots');
    must(
      tokensPerRow >= 1 && rows * tokensPerRow <= Math.max(mostLogitsRows, prefillChunk),
      'the tokens fit the input',
    );
    must(rows === 1 || tokensPerRow === 1, 'only a sequence alone has several tokens');
    must(tokens.length === rows * tokensPerRow, 'each row has its tokens');
    must(
      Array.from(tokens).every((id) => Number.isInteger(id) && id >= 0 && id < vocabSize),
      'tokens are ids',
    );
    must(cached.length === rows, 'each row has its cached length');
    must(
      Array.from(cached).every((length) => length >= 0 && length + tokensPerRow <= capacity),
      'tokens fit the slot',
    );
    must(logitsRows.length <= mostLogitsRows, 'the logits fit the output');
    must(
      logitsRows.every((row) => row >= 0 && row < rows * tokensPerRow),
      'logits are of tokens of the batch',
    );
  }
}

/** What usually follows a token. */
export function habitual(token: number, vocabSize: number): number {
  return (token * 3 + 1) % vocabSize;
}

/** The logits of the token that follows `tokens`, from -4 to 4 but for the habit. */
export function logitsAfter(tokens: ArrayLike<number>, vocabSize: number, habit = 0): Float32Array {
  let hash = 0x811c9dc5;
  for (const token of Array.from(tokens)) {
    must(token !== NEVER_WRITTEN, 'every position that is read was written');
    hash = mix(Math.imul(hash ^ (token + 1), 0x01000193));
  }
  const logits = Float32Array.from(
    { length: vocabSize },
    (_, id) => mix(hash + Math.imul(id + 1, 0x9e3779b1)) / 2 ** 29 - 4,
  );
  logits[habitual(tokens[tokens.length - 1], vocabSize)] += habit;
  return logits;
}

function mix(word: number): number {
  let mixed = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

function must(holds: boolean, what: string): void {
  if (!holds) throw new Error(`the fake network expects that ${what}`);
}
