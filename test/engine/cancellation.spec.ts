/** A request that is given up makes room for the next at once, and changes nothing for those beside it. */
import { Engine, type GenerationRequest, monotonicNow, type StepReport } from '../../src/engine/index.js';
import { answer } from '../support/engine.js';
import { DEMO_MODEL } from '../support/folders.js';

/** Steps that may begin between the moment when a request is given up and that when the next one has its slot. */
const MOST_STEPS = 2;

const reports: StepReport[] = [];
const watchers: (() => void)[] = [];
let engine: Engine;
beforeAll(async () => {
  const onStep = (report: StepReport): void => {
    reports.push(report);
    for (const watcher of watchers.splice(0)) watcher();
  };
  const options = { device: 'auto', dtype: 'auto', threads: 1 } as const;
  // A prompt is read in many steps.
  engine = await Engine.load({ modelPath: DEMO_MODEL, maxBatchSize: 2, prefillChunk: 16, ...options }, { onStep });
});
afterAll(() => engine.dispose());

function request(seed: number, promptTokens: number, maxNewTokens: number): GenerationRequest {
  const ids = Array.from({ length: promptTokens }, (_, i) => 100 + ((seed * 31 + i * 7) % 900));
  return { prompt: { kind: 'tokens', ids }, maxNewTokens, ignoreEos: true, sampling: { temperature: 0 } };
}

/** Waits for a step. */
async function step(wanted: (report: StepReport) => boolean): Promise<void> {
  for (let next = reports.length; ;) {
    while (next === reports.length) await new Promise<void>((resolve) => watchers.push(resolve));
    if (wanted(reports[next++])) return;
  }
}

/** When an answer got its slot. */
async function startOf(asked: GenerationRequest): Promise<number> {
  for await (const event of engine.generate(asked)) {
    if (event.type === 'finish') return event.timings?.started ?? NaN;
  }
  return NaN;
}

/** Adds the tokens of an answer to a list, until it is given up. */
async function read(asked: GenerationRequest, signal: AbortSignal, ids: number[]): Promise<void> {
  for await (const event of engine.generate(asked, signal)) if (event.type === 'tokens') ids.push(...event.ids);
}

// All that are given up are so long that none of them ends by itself before.
const NEIGHBOUR = request(1, 20, 1900);
const NEXT = request(3, 20, 2);

it.each([
  ['is read', request(2, 1500, 500), (report: StepReport) => report.kind === 'prefill'],
  ['is answered', request(2, 20, 1900), ({ kind, sequences }: StepReport) => kind === 'decode' && sequences === 2],
])('while it %s, its slot is free within two steps', async (_phase, asked, isInPhase) => {
  const leaving = new AbortController();
  const beside: number[] = [];
  const besideEnded = expect(read(NEIGHBOUR, leaving.signal, beside)).rejects.toMatchObject({ code: 'cancelled' });
  await step(({ kind }) => kind === 'decode');
  const controller = new AbortController();
  const given = answer(engine, asked, controller.signal);
  const ended = expect(given).rejects.toMatchObject({ code: 'cancelled' });
  await step(isInPhase);
  const next = startOf(NEXT);
  await step(() => true);
  controller.abort();
  const gone = monotonicNow();
  await ended;
  const started = await next;
  expect(started).toBeGreaterThan(gone);
  const between = reports.filter(({ began }) => began > gone && began < started);
  expect(between.length).toBeLessThanOrEqual(MOST_STEPS);
  for (const had = beside.length; beside.length < had + 20;) await step(() => true);
  leaving.abort();
  await besideEnded;
  expect(beside).toEqual((await answer(engine, { ...NEIGHBOUR, maxNewTokens: beside.length })).ids);
});

it('while it waits, it ends at once and the one behind it is next', async () => {
  const running = [new AbortController(), new AbortController()];
  const ends = running.map(({ signal }, i) =>
    expect(answer(engine, request(4 + i, 20, 1900), signal)).rejects.toMatchObject({ code: 'cancelled' }),
  );
  await step(({ kind, sequences }) => kind === 'decode' && sequences === 2);
  const waiting = new AbortController();
  const ended = expect(answer(engine, request(6, 20, 10), waiting.signal)).rejects.toMatchObject({ code: 'cancelled' });
  const next = startOf(NEXT);
  await step(() => true);
  waiting.abort();
  await ended;
  // Both slots are still taken.
  await step(({ kind, sequences }) => kind === 'decode' && sequences === 2);
  for (const one of running) one.abort();
  const gone = monotonicNow();
  const started = await next;
  expect(started).toBeGreaterThan(gone);
  expect(reports.filter(({ began }) => began > gone && began < started).length).toBeLessThanOrEqual(MOST_STEPS);
  await Promise.all(ends);
});
