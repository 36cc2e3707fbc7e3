import { GenerationLoop, type LoopEvent, type StepEvent } from '../../src/engine/batching/generation-loop.js';
import { LEAST_SHARED } from '../../src/engine/batching/slots.js';
import { OrtInterrupt } from '../../src/engine/ort/interrupt.js';
import { LoadedModel } from '../../src/engine/model/loaded-model.js';
import { DEFAULT_SAMPLING } from '../../src/engine/sampling/sampling-parameters.js';
import { fixture } from '../support/folders.js';
import { golden, type GoldenGeneration } from '../support/golden.js';
import { Seeded } from './unit/support/seeded.js';

const SLOTS = 4;
const PREFILL_CHUNK = 64;

interface Turn {
  readonly prompt: readonly number[];
  /** What torch says follows. */
  readonly expected: readonly number[];
}

const TURNS = 80;

/** A few cases at a time, so that turns of one case are close to each other. */
function casesAt<T>(turn: number, cases: readonly T[]): readonly T[] {
  const first = Math.floor((turn / TURNS) * (cases.length - 2));
  return cases.slice(first, first + 3);
}

/**
 * The prompt of a golden case and the beginning of its answer, to be continued. The best token of each step leads
 * clearly, so that batches, chunks and reuse, which round differently, must not change any.
 */
function randomTurn(random: Seeded, cases: readonly GoldenGeneration[]): Turn {
  const { input_ids: prompt, output_ids: tokens, stops_after: end } = random.pick(cases);
  const said = random.chance(0.5) ? random.integer(0, end - 1) : 0;
  const expected = tokens.slice(said, Math.min(end, said + random.integer(1, end)));
  return { prompt: [...prompt, ...tokens.slice(0, said)], expected };
}

/** The loop on the real network, with a clock that makes the same steps every time. */
describe.each(['llama', 'smollm3'] as const)('turns of the %s fixture that come and go at random', (name) => {
  const interrupt = new OrtInterrupt();
  let model: LoadedModel;

  beforeAll(async () => {
    const options = { modelPath: fixture(name), device: 'auto', dtype: 'auto', threads: 2 } as const;
    model = await LoadedModel.load({ ...options, maxBatchSize: SLOTS, prefillChunk: PREFILL_CHUNK }, interrupt.handles);
  });

  afterAll(() => {
    model.dispose();
    interrupt.dispose();
  });

  function loopOf(prefixCaching: boolean, random: Seeded): GenerationLoop {
    let time = 0;
    return new GenerationLoop(model.runner, {
      slots: SLOTS,
      prefillChunk: PREFILL_CHUNK,
      prefixCaching,
      eosIds: [],
      createDetokenizer: (skipSpecialTokens) => model.tokenizer.detokenizer(skipSpecialTokens),
      bytesOf: (token) => model.tokenizer.bytesOf(token),
      now: () => (time += random.integer(1, 100)),
    });
  }

  it.each([
    [true, 401],
    [true, 402],
    [true, 403],
    [false, 404],
  ])('give the tokens that torch gives, prefixes shared: %s (seed %i)', (prefixCaching, seed) => {
    const random = new Seeded(seed);
    const loop = loopOf(prefixCaching, random);
    const { generate } = golden(name);
    const turns: Turn[] = [];
    const events: StepEvent[] = [];
    const open = new Set<number>();
    while (turns.length < TURNS || open.size > 0) {
      while (turns.length < TURNS && random.chance(0.2)) {
        const id = turns.length;
        const turn = randomTurn(random, casesAt(id, generate));
        turns.push(turn);
        open.add(id);
        const { prompt, expected } = turn;
        loop.submit({ id, prompt, maxNewTokens: expected.length, sampling: DEFAULT_SAMPLING, stop: [] });
      }
      if (open.size > 0 && random.chance(0.02)) {
        const id = random.pick([...open]);
        open.delete(id);
        loop.cancel(id);
        turns[id] = { ...turns[id], expected: eventsOf(events, id).map(({ token }) => token as number) };
      }
      for (const event of answered(loop.step())) {
        events.push(event);
        if (event.finish) open.delete(event.id);
      }
    }
    turns.forEach(({ expected }, id) => {
      expect({ id, tokens: eventsOf(events, id).map(({ token }) => token) }).toEqual({ id, tokens: expected });
    });
    const reused = turns.filter((_, id) => (eventsOf(events, id)[0]?.cachedTokens ?? 0) >= LEAST_SHARED);
    if (prefixCaching) expect(reused.length).toBeGreaterThan(20);
    else expect(reused).toEqual([]);
  });
});

/** Events of a step in which no request failed. */
function answered(events: readonly LoopEvent[]): StepEvent[] {
  return events.map((event) => {
    if ('error' in event) throw new Error(`request ${event.id} failed: ${event.error.message}`);
    return event;
  });
}

function eventsOf(events: readonly StepEvent[], id: number): StepEvent[] {
  return events.filter((event) => event.id === id);
}
