import { StopStrings } from '../../../src/engine/tokens/stop-strings.js';
import { Seeded } from './support/seeded.js';

interface Outcome {
  readonly text: string;
  readonly stop: string | undefined;
}

/** What becomes of a text that comes in pieces: all that is emitted, and the stop string that ended it. */
function outcomeOf(stops: readonly string[], pieces: readonly string[]): Outcome {
  const watcher = new StopStrings(stops);
  let emitted = '';
  for (const piece of pieces) {
    const { text, stop } = watcher.push(piece);
    emitted += text;
    if (stop !== undefined) return { text: emitted, stop };
  }
  return { text: emitted + watcher.flush(), stop: undefined };
}

describe('a stop string', () => {
  it.each([
    ['within a piece', ['one STOP two'], 'one '],
    ['at the beginning', ['STOP two'], ''],
    ['at the end', ['one STOP'], 'one '],
    ['alone', ['STOP'], ''],
    ['over two pieces', ['one ST', 'OP two'], 'one '],
    ['over a piece for each character', ['S', 'T', 'O', 'P'], ''],
    ['after text that begins like it', ['SSTSTSTOP'], 'SSTST'],
    ['after text that begins like it, over pieces', ['S', 'ST', 'ST', 'STO', 'P'], 'SSTST'],
    ['with empty pieces between', ['ST', '', '', 'OP'], ''],
  ])('ends the text before it when it appears %s', (_, pieces, text) => {
    expect(outcomeOf(['STOP'], pieces)).toEqual({ text, stop: 'STOP' });
  });

  it('is found where it first appears', () => {
    expect(outcomeOf(['\n'], ['a\nb\nc'])).toEqual({ text: 'a', stop: '\n' });
  });

  it('that overlaps itself is found over pieces', () => {
    expect(outcomeOf(['aab'], ['a', 'a', 'a', 'a', 'b'])).toEqual({ text: 'aa', stop: 'aab' });
  });

  it('of several characters of other scripts is found', () => {
    expect(outcomeOf(['終わり😀'], ['これで', '終わ', 'り', '😀です'])).toEqual({ text: 'これで', stop: '終わり😀' });
  });

  it('that appears in no text leaves it as it is', () => {
    expect(outcomeOf(['STOP'], ['one ', 'STO', ' two'])).toEqual({ text: 'one STO two', stop: undefined });
  });

  it('that is empty is ignored', () => {
    expect(outcomeOf(['', 'b'], ['a', 'b'])).toEqual({ text: 'a', stop: 'b' });
    expect(outcomeOf([''], ['a', 'b'])).toEqual({ text: 'ab', stop: undefined });
  });
});

describe('of several stop strings', () => {
  it.each([
    [['x', 'b'], 'a', 'b'],
    [['b', 'x'], 'a', 'b'],
    [['cd', 'bc'], 'a', 'bc'],
    [['bcd', 'c'], 'ab', 'c'],
    [['abc', 'ab'], '', 'ab'],
  ])('%j the one that is complete first is found', (stops, text, stop) => {
    expect(outcomeOf(stops, ['abcdx'])).toEqual({ text, stop });
  });

  it.each([[['bc', 'abc']], [['abc', 'bc']]])('%j the longer of two that end together is found', (stops) => {
    expect(outcomeOf(stops, ['xabcx'])).toEqual({ text: 'x', stop: 'abc' });
  });

  it('each is found over pieces', () => {
    expect(outcomeOf(['<end>', '</s>'], ['a<', '/', 's', '>'])).toEqual({ text: 'a', stop: '</s>' });
    expect(outcomeOf(['<end>', '</s>'], ['a<', 'e', 'nd>'])).toEqual({ text: 'a', stop: '<end>' });
  });
});

describe('text that may be the beginning of a stop string', () => {
  it('is held back, and only that', () => {
    const watcher = new StopStrings(['STOP', 'TAP']);
    expect(watcher.push('one ST')).toEqual({ text: 'one ' });
    expect(watcher.push('A')).toEqual({ text: 'S' });
    expect(watcher.push('x')).toEqual({ text: 'TAx' });
  });

  it('is given out at the end', () => {
    const watcher = new StopStrings(['STOP']);
    expect(watcher.push('one STO')).toEqual({ text: 'one ' });
    expect(watcher.flush()).toBe('STO');
  });

  it('is given out once', () => {
    const watcher = new StopStrings(['STOP']);
    watcher.push('STO');
    watcher.flush();
    expect(watcher.flush()).toBe('');
  });

  it('is none when there are no stop strings', () => {
    const watcher = new StopStrings([]);
    expect(watcher.push('text')).toEqual({ text: 'text' });
    expect(watcher.flush()).toBe('');
  });

  it('is none after a stop string was found', () => {
    const watcher = new StopStrings(['STOP']);
    watcher.push('STOPS');
    expect(watcher.flush()).toBe('');
  });

  it('is as little as possible, whatever the text', () => {
    const random = new Seeded(21);
    for (let round = 0; round < 500; round++) {
      const stops = random.list(random.integer(1, 3), () =>
        random.list(random.integer(2, 5), () => random.pick(['a', 'b'])).join(''),
      );
      const watcher = new StopStrings(stops);
      let all = '';
      let emitted = '';
      for (let i = 0; i < 10; i++) {
        const piece = random.list(random.integer(0, 3), () => random.pick(['a', 'b', 'c'])).join('');
        all += piece;
        const { text, stop } = watcher.push(piece);
        if (stop !== undefined) break;
        emitted += text;
        const held = all.slice(emitted.length);
        const ends = [...Array(all.length).keys()].map((start) => all.slice(start));
        const longest = ends.find((end) => stops.some((stop) => stop.startsWith(end))) ?? '';
        expect(held).toBe(longest);
      }
    }
  });
});

describe('a text in pieces', () => {
  /** Stop strings of which none contains another: then the first to begin is the first to be complete. */
  function randomStops(random: Seeded): string[] {
    const stops: string[] = [];
    for (let i = random.integer(0, 4); i > 0; i--) {
      const stop = random.list(random.integer(1, 5), () => random.pick(['a', 'b'])).join('');
      if (!stops.some((other) => other.includes(stop) || stop.includes(other))) stops.push(stop);
    }
    return stops;
  }

  /** What the text is by definition. */
  function expected(stops: readonly string[], text: string): Outcome {
    for (let i = 0; i < text.length; i++) {
      const stop = stops.find((candidate) => text.startsWith(candidate, i));
      if (stop !== undefined) return { text: text.slice(0, i), stop };
    }
    return { text, stop: undefined };
  }

  it('ends as it does at once, however it is split', () => {
    const random = new Seeded(22);
    let found = 0;
    for (let round = 0; round < 3_000; round++) {
      const stops = randomStops(random);
      const text = random.list(random.integer(0, 30), () => random.pick(['a', 'b', 'b', 'c']));
      const pieces = random.split(text, 0, random.pick([1, 2, 5])).map((piece) => piece.join(''));
      const outcome = outcomeOf(stops, pieces);
      expect(outcome).toEqual(outcomeOf(stops, [text.join('')]));
      expect(outcome).toEqual(expected(stops, text.join('')));
      if (outcome.stop !== undefined) found++;
    }
    // The rounds are of both kinds.
    expect(found).toBeGreaterThan(500);
    expect(found).toBeLessThan(2_500);
  });
});
