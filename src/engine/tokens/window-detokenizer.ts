import type { Detokenizer } from './detokenizer.js';

/** Decodes token ids to text. */
export type Decode = (ids: readonly number[]) => string;

const REPLACEMENT = '\uFFFD';
/** Tokens after which a character that never completes is given up: it bounds the cost of decoding garbage. */
const MAX_PENDING = 64;

/**
 * A detokenizer for any decoder. Each piece is decoded together with the tokens before it, since a decoder may treat
 * the first token of a sequence in its own way (Metaspace drops its leading space).
 */
export class WindowDetokenizer implements Detokenizer {
  /** Tokens that have been emitted, kept only to decode the next ones in company. */
  private context: number[] = [];
  private contextLength = 0;
  private pending: number[] = [];
  /** Characters of `pending` that have been emitted already. */
  private emitted = 0;

  constructor(private readonly decode: Decode) {}

  push(id: number): string {
    this.pending.push(id);
    if (this.pending.length > MAX_PENDING) return this.giveUp();
    const text = this.pendingText();
    const certain = withoutTrailingReplacements(text);
    const piece = certain.slice(this.emitted);
    if (certain.length === text.length) this.advance(this.pending.length);
    else this.emitted = Math.max(this.emitted, certain.length);
    return piece;
  }

  flush(): string {
    const piece = this.pendingText().slice(this.emitted);
    this.advance(this.pending.length);
    return piece;
  }

  /** Emits what is garbage for certain: all but the last tokens, which may be the beginning of a character. */
  private giveUp(): string {
    const { pending } = this;
    const text = this.pendingText();
    const cuts = [4, 3, 2, 1].map((kept) => pending.length - kept);
    // Not in the middle of a character that is complete.
    const cut = cuts.find((at) => this.pendingText(at) + this.decode(pending.slice(at)) === text) ?? pending.length;
    const piece = this.pendingText(cut).slice(this.emitted);
    this.advance(cut);
    return piece;
  }

  /** The text of the first `count` pending tokens. */
  private pendingText(count = this.pending.length): string {
    return this.decode([...this.context, ...this.pending.slice(0, count)]).slice(this.contextLength);
  }

  /** Moves the first `count` pending tokens, which have been emitted, into the context. */
  private advance(count: number): void {
    if (count === 0) return;
    const moved = this.pending.slice(0, count);
    // Tokens without text, such as special ones, do not make the text before them a beginning.
    const silent = this.pendingText(count) === '';
    this.context = silent ? [...this.context, ...moved].slice(-MAX_PENDING) : moved;
    this.contextLength = this.decode(this.context).length;
    this.pending = this.pending.slice(count);
    this.emitted = 0;
  }
}

function withoutTrailingReplacements(text: string): string {
  let end = text.length;
  while (end > 0 && text[end - 1] === REPLACEMENT) end--;
  return text.slice(0, end);
}
