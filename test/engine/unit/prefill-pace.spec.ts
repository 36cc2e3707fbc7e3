import { PrefillPace, type Waiting } from '../../../src/engine/batching/prefill-pace.js';

/** Reads a long prompt while somebody waits, with chunks of these costs in milliseconds, and returns the size to which they settle. */
function settled(pace: PrefillPace, fixedMs: number, msPerToken: number, waiting: Waiting): number {
  let chunk = 0;
  for (let i = 0; i < 20; i++) {
    chunk = pace.chunk(100_000, waiting);
    pace.prefilled(chunk, fixedMs + chunk * msPerToken);
  }
  return chunk;
}

describe('the tokens of a prompt that are read at once', () => {
  it('are as many as allowed when nobody waits', () => {
    const pace = new PrefillPace(256);
    pace.prefilled(256, 600);
    expect([1, 256, 257].map((left) => pace.chunk(left, 'nobody'))).toEqual([1, 256, 256]);
  });

  it.each<[Waiting, number]>([
    ['nobody', 64],
    ['answers', 32],
    ['clients', 32],
  ])('are few while nothing was measured: where %s waits, they are %i', (waiting, tokens) => {
    expect(new PrefillPace(256).chunk(1000, waiting)).toBe(tokens);
  });

  it.each<[string, Waiting, number, number, number]>([
    ['80 ms', 'answers', 20, 1, 48],
    ['80 ms', 'answers', 0, 0.5, 160],
    ['80 ms', 'answers', 0, 0.1, 256],
    ['80 ms', 'answers', 30, 20, 32],
    ['1 s', 'nobody', 0, 3, 256],
    ['1 s', 'nobody', 100, 5, 176],
    ['1 s', 'nobody', 0, 10, 96],
    ['1 s', 'nobody', 0, 50, 64],
  ])(
    'take about %s where %s waits: at %i ms and %d ms a token, they are %i',
    (_, waiting, fixedMs, msPerToken, tokens) => {
      expect(settled(new PrefillPace(256), fixedMs, msPerToken, waiting)).toBe(tokens);
    },
  );

  it('take as long as a step of the answers, when that is longer', () => {
    const pace = new PrefillPace(256);
    for (let i = 0; i < 20; i++) pace.decoded(200);
    expect(settled(pace, 0, 1, 'answers')).toBe(192);
  });

  it('take about 40 ms while clients may come, be a step longer or not', () => {
    const pace = new PrefillPace(256);
    for (let i = 0; i < 20; i++) pace.decoded(200);
    expect(settled(pace, 0, 0.5, 'clients')).toBe(80);
  });

  it('are never more than allowed', () => {
    expect(settled(new PrefillPace(8), 0, 0.1, 'answers')).toBe(8);
  });

  it('take in a short rest', () => {
    const pace = new PrefillPace(256);
    expect([32, 48, 49].map((left) => pace.chunk(left, 'answers'))).toEqual([32, 48, 32]);
    expect(new PrefillPace(40).chunk(48, 'answers')).toBe(32);
  });

  it('do not shrink because a short prompt was slow', () => {
    const pace = new PrefillPace(256);
    pace.prefilled(256, 128);
    pace.prefilled(4, 40);
    expect(pace.chunk(1000, 'answers')).toBe(160);
  });
});
