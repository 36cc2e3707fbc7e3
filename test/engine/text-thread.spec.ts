import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TextBudget } from '../../src/engine/worker/bounded-text-thread.js';
import { TextThread } from '../../src/engine/worker/text-thread.js';
import { DEMO_MODEL, TemporaryFolders } from '../support/folders.js';

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
    ['loop', { ms: 1_500, heapMiB: 256 }, 'the prompt took longer than it may, 1.5 s, to be rendered and tokenized'],
    [
      'grow',
      { ms: 30_000, heapMiB: 64 },
      'the prompt needed more memory than it may, 64 MiB, to be rendered and tokenized',
    ],
  ])('gives a template up that does not end (%s), and goes on with what waits', async (content, budget, message) => {
    await start(budget);
    const before = await chat('fine');
    const all = await Promise.allSettled([chat('fine'), chat(content), chat('fine'), thread.decode(before)]);
    expect(all).toEqual([
      { status: 'fulfilled', value: before },
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
