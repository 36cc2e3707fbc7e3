import { Thought } from '../../../src/engine/batching/thought.js';
import type { ThoughtOptions } from '../../../src/engine/types.js';

const CLOSING = [7, 8];

/** Tells a thought of tokens that say these texts, until one is forced instead. */
function follow(texts: readonly string[], options: Partial<ThoughtOptions> = {}) {
  const thought = new Thought({ begin: '<t>', end: '</t>', open: false, ...options });
  const forced: number[] = [];
  let after = 0;
  for (const text of texts) {
    for (let token = thought.forced(); token !== undefined; token = thought.forced()) {
      forced.push(token);
      thought.push('\n</t>');
    }
    if (forced.length === 0) after++;
    thought.push(text);
  }
  return { tokens: thought.tokens, forced, after };
}

const limit = (maxTokens: number): Partial<ThoughtOptions> => ({ limit: { maxTokens, closing: CLOSING } });

describe('a thought', () => {
  it.each([
    [['<t>', 'a', 'b', '</t>', 'c'], 2],
    [['\n', '<', 't>', 'a', '', '<', '/t', '>', 'c'], 4],
    [['<t>', '</t>', 'c'], 0],
    [['<t></t>', 'c'], 0],
    [['a', '<t>', 'b', '</t>'], 0],
    [['<', 'a', '<t>', 'b'], 0],
    [['<t>', 'a', 'b'], 2],
  ])('%j has its tokens counted', (texts, tokens) => {
    expect(follow(texts).tokens).toBe(tokens);
  });

  it('that the prompt began counts from the first token', () => {
    expect(follow(['a', 'b', '</t>', 'c'], { open: true }).tokens).toBe(2);
  });

  it('that is too long is ended after its last token, once', () => {
    const texts = ['<t>', 'a', 'b', 'c', '<t>', 'd', 'e', 'f'];
    expect(follow(texts, limit(2))).toEqual({ tokens: 2, forced: CLOSING, after: 3 });
    expect(follow(texts, { open: true, ...limit(3) })).toEqual({ tokens: 3, forced: CLOSING, after: 3 });
  });

  it('of no tokens is ended where it begins', () => {
    expect(follow(['<t>', 'a'], limit(0))).toEqual({ tokens: 0, forced: CLOSING, after: 1 });
    expect(follow(['a'], { open: true, ...limit(0) })).toEqual({ tokens: 0, forced: CLOSING, after: 0 });
  });

  it('that ends in time is left alone, and so is an answer without one', () => {
    expect(follow(['<t>', 'a', 'b', '</t>', 'c'], limit(3)).forced).toEqual([]);
    expect(follow(['a', 'b', 'c', 'd'], limit(0)).forced).toEqual([]);
  });
});
