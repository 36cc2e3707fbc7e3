import { TimeShare } from '../../../src/engine/batching/time-share.js';

/** Who gets the next turns while both want them, `a` taking so many milliseconds for one, and `b` so many. */
function turns(share: TimeShare, count: number, a: number, b: number): string {
  return Array.from({ length: count }, () => {
    const first = share.next(true, true);
    share.spent(first ? a : b);
    return first ? 'a' : 'b';
  }).join('');
}

describe('two kinds of work', () => {
  it('take turns when their turns are equally long', () => {
    expect(turns(new TimeShare(), 6, 10, 10)).toBe('ababab');
  });

  it('have equal time when they are not', () => {
    expect(turns(new TimeShare(), 9, 30, 10)).toBe('abbbabbba');
    expect(turns(new TimeShare(), 9, 10, 30)).toBe('abaaabaaa');
  });

  it('go when only they have something to do', () => {
    const share = new TimeShare();
    for (const first of [true, true, false, false, true]) {
      expect(share.next(first, !first)).toBe(first);
      share.spent(10);
    }
  });

  it('make no debt with time that nobody else wanted', () => {
    const share = new TimeShare();
    for (let i = 0; i < 5; i++) {
      share.next(true, false);
      share.spent(100);
    }
    expect(turns(share, 4, 10, 10)).toBe('abab');
    for (let i = 0; i < 5; i++) {
      share.next(false, true);
      share.spent(100);
    }
    expect(turns(share, 4, 10, 10)).toBe('abab');
  });

  it('remember a debt until it is paid, be it in time that nobody else wanted', () => {
    const share = new TimeShare();
    share.next(true, true);
    share.spent(100);
    expect(turns(share, 3, 10, 10)).toBe('bbb');
    share.next(false, true);
    share.spent(60);
    expect(turns(share, 4, 10, 10)).toBe('baba');
  });
});
