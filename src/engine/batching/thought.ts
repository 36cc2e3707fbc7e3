import type { ThoughtOptions } from '../types.js';

/**
 * Follows the thought that an answer may begin with: counts its tokens, and ends it when they are too many. Told of every
 * token's text, it says which token has to come next, if one has to.
 */
export class Thought {
  /** Tokens of the thought, without those that complete its beginning and its end. */
  tokens = 0;
  private state: 'before' | 'within' | 'closing' | 'after';
  /** Before: the answer so far. Within: its end, as far as `end` may have begun in it. */
  private text = '';
  private opened = 0;
  private closed = 0;

  constructor(private readonly options: ThoughtOptions) {
    this.state = options.open ? 'within' : 'before';
  }

  /** The token that has to come next, whatever the model would choose; it counts as chosen. */
  forced(): number | undefined {
    const { opening = [], limit } = this.options;
    if (this.opened < opening.length) return opening[this.opened++];
    if (!limit) return undefined;
    if (this.state === 'within' && this.tokens >= limit.maxTokens) this.state = 'closing';
    if (this.state !== 'closing') return undefined;
    if (this.closed === limit.closing.length) {
      this.state = 'after';
      return undefined;
    }
    return limit.closing[this.closed++];
  }

  /** @param text that a token added; may be empty */
  push(text: string): void {
    if (this.state === 'before') this.begin(this.text + text);
    else if (this.state === 'within') this.goOn(this.text + text);
  }

  private begin(text: string): void {
    const { begin, end } = this.options;
    const start = text.trimStart();
    if (start.startsWith(begin)) {
      this.text = start.slice(begin.length);
      this.state = this.text.includes(end) ? 'after' : 'within';
    } else {
      this.text = text;
      if (!begin.startsWith(start)) this.state = 'after';
    }
  }

  private goOn(text: string): void {
    const { end } = this.options;
    if (text.includes(end)) {
      this.state = 'after';
      return;
    }
    this.tokens++;
    this.text = text.slice(-end.length);
  }
}
