import { NgramIndex } from '../../../src/engine/batching/ngram-index.js';
import { Sequence } from '../../../src/engine/batching/sequence.js';
import { Seeded } from './support/seeded.js';

function predict(prompt: readonly number[], count: number): number[] {
  return new NgramIndex(new Sequence(1, prompt)).predict(count);
}

describe('what may follow', () => {
  it('is what followed the same tokens before', () => {
    expect(predict([1, 2, 3, 4, 5, 9, 1, 2], 3)).toEqual([3, 4, 5]);
  });

  it('is nothing when the last two tokens were not there before', () => {
    expect(predict([1, 2, 3, 4, 5, 9, 2], 3)).toEqual([]);
  });

  it.each([[[7]], [[7, 7]]])('is nothing after %j: there is no before', (prompt) => {
    expect(predict(prompt, 3)).toEqual([]);
  });

  it('is what followed last, if there are several places', () => {
    expect(predict([1, 2, 3, 1, 2, 4, 1, 2], 1)).toEqual([4]);
  });

  it('is what followed more of the same tokens, rather than what followed last', () => {
    expect(predict([8, 1, 2, 3, 9, 1, 2, 4, 8, 1, 2], 1)).toEqual([3]);
  });

  it('goes round in a circle with a sequence that does', () => {
    expect(predict([5, 1, 2, 3, 1, 2, 3, 1, 2], 8)).toEqual([3, 1, 2, 3, 1, 2, 3, 1]);
    expect(predict([6, 6, 6], 4)).toEqual([6, 6, 6, 6]);
  });

  it('is found across the end of the prompt, and in the answer', () => {
    const sequence = new Sequence(1, [1, 2, 3, 4]);
    const index = new NgramIndex(sequence);
    expect(index.predict(2)).toEqual([]);
    sequence.generated.push(5, 3, 4);
    expect(index.predict(2)).toEqual([5, 3]);
    sequence.generated.push(9, 5, 3);
    expect(index.predict(2)).toEqual([4, 9]);
  });

  it('is the same, found step by step, as a search of the whole sequence finds', () => {
    const random = new Seeded(31);
    for (let round = 0; round < 30; round++) {
      const vocabulary = random.integer(2, 12);
      const token = (): number => random.integer(0, vocabulary);
      const sequence = new Sequence(1, random.list(random.integer(1, 40), token));
      const index = new NgramIndex(sequence);
      for (let step = 0; step < 60; step++) {
        const tokens = sequence.tokens(0, sequence.length);
        expect(index.predict(1)).toEqual(searched(tokens));
        for (let i = random.integer(1, 4); i > 0; i--) sequence.generated.push(token());
      }
    }
  });
});

/** The token after the latest earlier occurrence of the last 4, 3 or 2 tokens. */
function searched(tokens: readonly number[]): number[] {
  for (const length of [4, 3, 2]) {
    const end = tokens.slice(-length).join();
    for (let place = tokens.length - 1; place >= length; place--) {
      if (tokens.slice(place - length, place).join() === end) return [tokens[place]];
    }
  }
  return [];
}
