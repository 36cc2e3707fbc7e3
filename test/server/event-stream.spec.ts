import { jest } from '@jest/globals';
import { dataEvent, withPings } from '../../src/common/http/event-stream.js';
import { TestApplication } from '../support/application.js';
import { ScriptedProvider } from '../support/scripted-provider.js';
import { stopTime } from '../support/time.js';

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

describe('a stream of which nothing comes', () => {
  const PING_MS = 15_000;
  const PING = ': ping';
  let provider: ScriptedProvider;
  let application: TestApplication;
  beforeAll(async () => {
    provider = new ScriptedProvider();
    application = await TestApplication.ready(provider);
    Object.assign(provider, { automatic: false, begins: false });
    // Of the server's timers, only the one that waits for the next event.
    stopTime();
  });
  afterAll(async () => {
    jest.useRealTimers();
    await application.close();
  });

  /** Lets the time pass after which the server says that it is still there. */
  async function beSilent(): Promise<void> {
    while (jest.getTimerCount() === 0) await new Promise(setImmediate);
    jest.advanceTimersByTime(PING_MS - 1);
    expect(jest.getTimerCount()).toBe(1);
    jest.advanceTimersByTime(1);
  }

  it.each([
    ['/v1/completions', { prompt: 'hi', stream: true }, /"finish_reason":"stop"[^]*\[DONE\]$/],
    ['/v1/chat/completions', { messages: [{ role: 'user', content: 'hi' }], stream: true }, /\[DONE\]$/],
    ['/v1/responses', { input: 'hi', stream: true }, /event: response\.completed\n.*$/],
    ['/v1/messages', { max_tokens: 9, messages: [{ role: 'user', content: 'hi' }], stream: true }, /message_stop"\}$/],
    ['/generate_stream', { inputs: 'hi' }, /"generated_text":"a"/],
  ])('has a comment every 15 s, and then what comes: %s', async (path, body, end) => {
    const index = provider.answers.length;
    const asked = application.post(path, body);
    const answer = await provider.answer(index);
    await beSilent();
    // One without a word so far begins with the comment.
    const response = await asked;
    expect(response.status).toBe(200);
    const reader = (response.body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    const pings = (): number => text.split('\n\n').filter((event) => event === PING).length;
    const readUntil = async (count: number): Promise<void> => {
      while (pings() < count) {
        const { done, value } = await reader.read();
        if (done) return;
        text += value;
      }
    };
    await readUntil(1);
    await beSilent();
    await readUntil(2);
    answer.say('a');
    answer.finish();
    await readUntil(Infinity);
    expect(pings()).toBe(2);
    expect(text.trimEnd()).toMatch(end);
  });
});
