/** A step of parsing that suspends where the text is not there yet; the next call goes on when there is more. */
export type Parsing<T> = Generator<undefined, T, undefined>;

/**
 * Text that arrives in pieces, read as if it were all there: whoever reads is suspended until there is more. So what a
 * parser does depends on the text alone, however it is cut.
 */
export class TextReader {
  private text = '';
  /** How much of the text is read. */
  private position = 0;
  private ended = false;

  add(text: string): void {
    this.text += text;
  }

  /** No more text comes. */
  end(): void {
    this.ended = true;
  }

  /** The next character (UTF-16 unit), which stays unread; empty at the end of the text. */
  *peek(): Parsing<string> {
    while (this.position === this.text.length && !this.ended) yield;
    return this.text.charAt(this.position);
  }

  /** Reads the next character; only after `peek` returned one. */
  skip(): void {
    this.position++;
  }

  /** Reads one of the words if the text goes on with it, the longest that fits. Waits only while one may still come. */
  *match(words: readonly string[]): Parsing<string | undefined> {
    for (;;) {
      const rest = this.text.slice(this.position);
      const open = !this.ended && words.some((word) => word.length > rest.length && word.startsWith(rest));
      if (!open) {
        const found = longest(words.filter((word) => rest.startsWith(word)));
        this.position += found?.length ?? 0;
        return found;
      }
      yield;
    }
  }

  /**
   * Reads up to the first of the words, and past it. What can belong to none of them is told at once.
   *
   * @param tell is given what stands before
   * @returns the word; undefined at the end of the text, all of which is told
   */
  *until(words: readonly string[], tell: (text: string) => void): Parsing<string | undefined> {
    for (;;) {
      const rest = this.text.slice(this.position);
      const open = this.ended ? rest.length : rest.length - heldLength(rest, words);
      const at = firstIndexOf(rest, words);
      const certain = Math.min(at, open);
      this.position += certain;
      this.take();
      if (certain > 0) tell(rest.slice(0, certain));
      if (certain === at && at < rest.length) return yield* this.match(words);
      if (this.ended) return undefined;
      yield;
    }
  }

  *whitespace(): Parsing<void> {
    yield* this.word(/^\s$/);
  }

  /** Reads characters of a kind, at most so many; what they say may be empty. */
  *word(kind: RegExp, most = Infinity): Parsing<string> {
    let word = '';
    while (word.length < most && kind.test(yield* this.peek())) {
      word += yield* this.peek();
      this.skip();
    }
    return word;
  }

  /** What was read since the last `take`. */
  get held(): string {
    return this.text.slice(0, this.position);
  }

  /** The same; from then on it is somebody else's. */
  take(): string {
    const read = this.held;
    this.text = this.text.slice(this.position);
    this.position = 0;
    return read;
  }
}

/** Where the first of the words begins; the length of the text if it has none. */
function firstIndexOf(text: string, words: readonly string[]): number {
  return Math.min(text.length, ...words.map((word) => text.indexOf(word)).filter((at) => at >= 0));
}

/** Length of the longest end of the text that a word begins with. */
function heldLength(text: string, words: readonly string[]): number {
  const most = Math.min(text.length, Math.max(0, ...words.map((word) => word.length - 1)));
  for (let length = most; length > 0; length--) {
    if (words.some((word) => word.startsWith(text.slice(-length)))) return length;
  }
  return 0;
}

function longest(words: readonly string[]): string | undefined {
  return words.reduce<string | undefined>((best, word) => (word.length > (best?.length ?? 0) ? word : best), undefined);
}
