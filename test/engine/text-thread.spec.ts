import { jest } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BoundedTextThread, type TextBudget } from '../../src/engine/worker/bounded-text-thread.js';
import { Deferred } from '../../src/engine/worker/deferred.js';
import type { TextMessage } from '../../src/engine/worker/protocol.js';
import { TextThread } from '../../src/engine/worker/text-thread.js';
import { DEMO_MODEL, TemporaryFolders } from '../support/folders.js';
import { stopTime } from '../support/time.js';

const folders = new TemporaryFolders();
afterAll(() => folders.remove());

/** Loops for as long as it is told, or makes an ever longer list. */
const TEMPLATE = `
{%- if messages[0].content == 'loop' -%}
  {%- for a in range(100000) -%}{%- for b in range(100000) -%}{%- endfor -%}{%- endfor -%}
{%- elif messages[0].content == 'grow' -%}
  {%- set ns = namespace(list=['x']) -%}
  {%- for a in range(60) -%}{%- set ns.list = ns.list + ns.list -%}{%- endfor -%}
{%- endif -%}
{{ messages[0].content }}`;

afterEach(() => {
  jest.useRealTimers();
});

describe('the text thread', () => {
  const failures: Error[] = [];
  let thread: TextThread;

  async function start(budget: TextBudget): Promise<void> {
    failures.length = 0;
    const folder = folders.copyOf(DEMO_MODEL);
    writeFileSync(join(folder, 'chat_template.jinja'), TEMPLATE);
    thread = new TextThread(folder, (error) => failures.push(error), budget);
    await thread.loaded;
  }
  afterEach(() => thread.dispose());

  const chat = (content: string) =>
    thread.encode({ kind: 'chat', messages: [{ role: 'user', content }], addGenerationPrompt: true });

  it.each([
    ['loop', 1_500, 'the prompt took longer than it may, 1.5 s, to be rendered and tokenized'],
    ['grow', 0, 'the prompt needed more memory than it may, 64 MiB, to be rendered and tokenized'],
  ])('gives a template up that does not end (%s), and goes on with what waits', async (content, ms, message) => {
    stopTime();
    await start({ ms: 1_500, heapMiB: 64 });
    const before = await chat('fine');
    const calls = Promise.allSettled([chat(content), chat('fine'), thread.decode(before)]);
    // The first of them has begun.
    jest.advanceTimersByTime(ms);
    expect(await calls).toEqual([
      { status: 'rejected', reason: expect.objectContaining({ code: 'template_failed', message }) as Error },
      { status: 'fulfilled', value: before },
      { status: 'fulfilled', value: 'fine' },
    ]);
    expect(failures).toEqual([]);
  });

  it('can be ended while it is busy', async () => {
    await start({ ms: 30_000, heapMiB: 256 });
    const busy = chat('loop');
    const settled = expect(busy).rejects.toMatchObject({ code: 'not_loaded' });
    await thread.dispose();
    await settled;
    expect(failures).toEqual([]);
  });
});

describe('a call that is taken back', () => {
  it('is not carried out, unless it has begun', async () => {
    const folder = folders.copyOf(DEMO_MODEL);
    writeFileSync(join(folder, 'chat_template.jinja'), TEMPLATE);
    const messages: TextMessage[] = [];
    const ready = new Deferred<void>();
    const last = new Deferred<void>();
    const onMessage = (message: TextMessage): void => {
      messages.push(message);
      if (message.type === 'ready') ready.resolve();
      if ('call' in message && message.call === 3) last.resolve();
    };
    stopTime();
    const thread = new BoundedTextThread(
      { modelPath: folder },
      { onMessage, onFailure: () => undefined },
      { ms: 1_500, heapMiB: 256 },
    );
    const task = (content: string) =>
      ({
        kind: 'encode',
        prompt: { kind: 'chat', messages: [{ role: 'user', content }], addGenerationPrompt: true },
      }) as const;
    for (const [call, content] of ['loop', 'loop', 'fine'].entries())
      thread.post({ call: call + 1, task: task(content) });
    expect(thread.withdraw(2)).toBe(true);
    expect(thread.withdraw(2)).toBe(false);
    await ready.promise;
    jest.advanceTimersByTime(1_500);
    await last.promise;
    const told = messages.flatMap((message) => ('call' in message ? [[message.type, message.call]] : []));
    expect(told).toEqual([
      ['call_failed', 1],
      ['done', 3],
    ]);
    await thread.terminate();
  });

  it('ends at once for who asked for it', async () => {
    const folder = folders.copyOf(DEMO_MODEL);
    writeFileSync(join(folder, 'chat_template.jinja'), TEMPLATE);
    const thread = new TextThread(folder, () => undefined, { ms: 30_000, heapMiB: 256 });
    await thread.loaded;
    const prompt = { kind: 'chat', messages: [{ role: 'user', content: 'loop' }], addGenerationPrompt: true } as const;
    const busy = expect(thread.encode(prompt)).rejects.toMatchObject({ code: 'not_loaded' });
    const leaving = new AbortController();
    const waiting = expect(thread.encode(prompt, leaving.signal)).rejects.toMatchObject({ code: 'cancelled' });
    leaving.abort();
    await waiting;
    await expect(thread.encode(prompt, leaving.signal)).rejects.toMatchObject({ code: 'cancelled' });
    await thread.dispose();
    await busy;
  });
});
