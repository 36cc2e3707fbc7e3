import { dataEvent, withPings } from '../../src/common/http/event-stream.js';

async function* of(...values: readonly (string | Promise<string>)[]): AsyncGenerator<string> {
  for (const value of values) yield await value;
}

async function all(events: AsyncIterable<string>): Promise<string[]> {
  const found: string[] = [];
  for await (const event of events) found.push(event);
  return found;
}

describe('server-sent events', () => {
  it('carry a value as JSON on one line', () => {
    expect(dataEvent({ text: 'a\nb\u2028' })).toBe('data: {"text":"a\\nb\u2028"}\n\n');
  });

  it('come as they are when they come in time', async () => {
    expect(await all(withPings(of('a', 'b')))).toEqual(['a', 'b']);
    expect(await all(withPings(of()))).toEqual([]);
  });

  it('have comments between them while nothing comes', async () => {
    let come!: (value: string) => void;
    const events = withPings(of(new Promise<string>((resolve) => (come = resolve)), 'b'), 1);
    expect(await events.next()).toEqual({ value: ': ping\n\n', done: false });
    expect(await events.next()).toEqual({ value: ': ping\n\n', done: false });
    come('a');
    const rest = await all(events);
    expect(rest.filter((event) => event !== ': ping\n\n')).toEqual(['a', 'b']);
  });

  it('that fail say so, and that are left are ended', async () => {
    await expect(all(withPings(of('a', Promise.reject(new Error('the reason')))))).rejects.toThrow('the reason');
    let ended = false;
    async function* endless(): AsyncGenerator<string> {
      try {
        for (;;) yield await Promise.resolve('a');
      } finally {
        ended = true;
      }
    }
    const events = withPings(endless());
    await events.next();
    await events.return();
    expect(ended).toBe(true);
  });
});
