import { EngineError } from '../errors.js';
import type { LazyAutomaton } from '../grammar/lazy-automaton.js';
import type { State } from '../grammar/state.js';

export interface ConstraintOptions {
  /** The grammar begins after this text; at once if empty. */
  readonly after: string;
  readonly bytesOf: (token: number) => readonly number[];
  /** Tokens that are no text, whatever their bytes; only a grammar that names them has them. */
  readonly controlIds: readonly number[];
  /** Tokens that end the answer, where it may end. */
  readonly endingIds: readonly number[];
}

/** Keeps one answer within a grammar. */
export class Constraint {
  private state: State;
  /** The end of the text before the grammar, of one character a byte; undefined once the grammar has begun. */
  private before: string | undefined;
  private readonly after: string;

  constructor(
    private readonly automaton: LazyAutomaton,
    private readonly options: ConstraintOptions,
  ) {
    this.state = automaton.start;
    this.after = Buffer.from(options.after, 'utf8').toString('latin1');
    this.before = this.after === '' ? undefined : '';
  }

  /** Whether the answer is complete, and nothing can come after it. */
  get isOver(): boolean {
    return this.before === undefined && this.state.accepting && this.automaton.isOver(this.state);
  }

  /**
   * Makes the logits of tokens that may not come next −Infinity.
   *
   * @throws {EngineError} grammar_invalid when no token may
   */
  readonly apply = (logits: Float32Array): void => {
    const { controlIds, endingIds } = this.options;
    const endings = endingIds.map((id) => logits[id]);
    const named = this.before === undefined ? this.automaton.namedAfter(this.state) : [];
    for (const id of controlIds) if (!named.includes(id)) logits[id] = -Infinity;
    if (this.before !== undefined) {
      // Without the text that it waits for, the answer would end without a word of the grammar.
      for (const id of endingIds) logits[id] = -Infinity;
      return;
    }
    const any = forbid(logits, this.automaton.maskOf(this.state));
    if (this.state.accepting) endingIds.forEach((id, i) => (logits[id] = Math.max(logits[id], endings[i])));
    else if (!any) throw new EngineError('grammar_invalid', 'the model has no token that goes on with the grammar');
  };

  /** Takes in a token of the answer that does not end it. */
  accept(token: number): void {
    const bytes = this.options.bytesOf(token);
    if (this.before === undefined) {
      this.state = this.automaton.accept(this.state, token, bytes) ?? this.acceptForced(token, bytes);
      return;
    }
    const text = this.before + Buffer.from(bytes).toString('latin1');
    const begins = text.endsWith(this.after) || text.trimEnd().endsWith(this.after);
    this.before = begins ? undefined : text.slice(-this.after.length - 8);
  }

  /**
   * Takes in what does not go on with the answer, since it is forced on it. That may have cut a character short, which is
   * completed for the grammar; of anything else the grammar knows nothing.
   */
  private acceptForced(token: number, bytes: readonly number[]): State {
    let at = this.state;
    for (;;) {
      const more = this.automaton.bytesAfter(at).find((byte) => byte >> 6 === 0b10);
      const next = more === undefined ? undefined : this.automaton.advance(at, [more]);
      if (!next) return this.state;
      const accepted = this.automaton.accept(next, token, bytes);
      if (accepted) return accepted;
      at = next;
    }
  }
}

/** @returns whether any is left */
function forbid(logits: Float32Array, mask: Uint32Array): boolean {
  let any = 0;
  for (let word = 0; word < mask.length; word++) {
    const bits = mask[word];
    any |= bits;
    if (bits === 0xffffffff) continue;
    const end = Math.min(logits.length, 32 * word + 32);
    for (let id = 32 * word, rest = bits; id < end; id++, rest >>>= 1) {
      if ((rest & 1) === 0) logits[id] = -Infinity;
    }
  }
  return any !== 0;
}
