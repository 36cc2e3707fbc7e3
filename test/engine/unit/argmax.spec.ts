import { argmax } from '../../../src/engine/sampling/argmax.js';
import { engineErrorOf } from './support/engine-error.js';
import { Seeded } from './support/seeded.js';

describe('the largest logit', () => {
  it('is the first of several', () => {
    expect(argmax(Float32Array.of(1, 3, 2, 3, 3))).toBe(1);
    expect(argmax(new Float32Array(5))).toBe(0);
  });

  it('is found when most tokens are impossible', () => {
    expect(argmax(Float32Array.of(-Infinity, -Infinity, -5, -Infinity))).toBe(2);
  });

  it('is found at every place, in any number of logits', () => {
    const random = new Seeded(1);
    for (let length = 1; length < 40; length++) {
      for (let place = 0; place < length; place++) {
        const logits = Float32Array.from({ length }, () => random.next());
        logits[place] = 2;
        expect(argmax(logits)).toBe(place);
      }
    }
  });

  it('does not exist when one of them is not a number, wherever it is', () => {
    for (let place = 0; place < 11; place++) {
      const logits = Float32Array.from({ length: 11 }, (_, i) => -i);
      logits[place] = NaN;
      const { code, message } = engineErrorOf(() => argmax(logits));
      expect(code).toBe('runtime_failed');
      expect(message).toBe(`the logit of token ${place} is not a number`);
    }
  });

  it.each([
    ['all tokens are impossible', [-Infinity, -Infinity]],
    ['one is infinite', [1, Infinity]],
    ['there are none', []],
  ])('does not exist when %s', (_, logits) => {
    expect(engineErrorOf(() => argmax(Float32Array.from(logits))).message).toMatch(/^no token can be chosen/);
  });
});
