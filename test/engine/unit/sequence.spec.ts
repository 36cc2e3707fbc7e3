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
    expect(sequenceOf([5, 6, 7], [8, 9]).tokens(start, end)).toEqual(tokens);
  });

  it.each([
    [0, true],
    [2, true],
    [3, false],
    [4, false],
  ])('with %i of a prompt of three tokens cached is prefilling: %s', (cached, prefilling) => {
    const sequence = sequenceOf([5, 6, 7], [8, 9]);
    sequence.cached = cached;
    expect(sequence.prefilling).toBe(prefilling);
  });

  it('begins without a slot and with nothing cached', () => {
    expect(sequenceOf([5], [])).toMatchObject({ slot: undefined, cached: 0, generated: [] });
  });
});
