import { Sequence } from '../../../src/engine/batching/sequence.js';

function sequenceOf(prompt: number[], generated: number[]): Sequence {
  const sequence = new Sequence(1, Int32Array.from(prompt));
  sequence.generated.push(...generated);
  return sequence;
}

describe('a sequence', () => {
  it('is as long as its prompt and its answer', () => {
    expect(sequenceOf([5, 6, 7], []).length).toBe(3);
    expect(sequenceOf([5, 6, 7], [8, 9]).length).toBe(5);
  });

  it.each([
    [0, 3, [5, 6, 7]],
    [1, 2, [6]],
    [2, 4, [7, 8]],
    [3, 5, [8, 9]],
    [0, 5, [5, 6, 7, 8, 9]],
    [2, 2, []],
  ])('has the tokens from %i to %i of both, one after the other', (start, end, tokens) => {
    const sequence = sequenceOf([5, 6, 7], [8, 9]);
    expect(sequence.tokens(start, end)).toEqual(tokens);
    expect(tokens.map((_, i) => sequence.tokenAt(start + i))).toEqual(tokens);
  });

  it.each([
    [0, true],
    [1, true],
    [2, false],
    [3, false],
    [4, false],
  ])('with %i of a prompt of three tokens cached is prefilling: %s', (cached, prefilling) => {
    const sequence = sequenceOf([5, 6, 7], [8, 9]);
    sequence.cached = cached;
    expect(sequence.prefilling).toBe(prefilling);
  });

  it('with a prompt of one token has nothing to prefill', () => {
    expect(sequenceOf([5], []).prefilling).toBe(false);
  });

  it.each([
    [[5, 6, 7, 8, 9], 5, 5],
    [[5, 6, 7, 8, 9], 4, 4],
    [[5, 6, 7, 8, 1], 5, 4],
    [[5, 6, 1], 5, 2],
    [[5, 6], 5, 2],
    [[6, 5], 5, 0],
    [[5, 6, 7, 8, 9, 10], 5, 5],
  ])('shares with the prompt %j, of its first %i tokens, %i', (prompt, most, shared) => {
    expect(sequenceOf([5, 6, 7], [8, 9]).sharedWith(prompt, most)).toBe(shared);
  });

  it('begins without a slot and with nothing cached', () => {
    expect(sequenceOf([5], [])).toMatchObject({ slot: undefined, cached: 0, reused: 0, generated: [] });
  });
});
