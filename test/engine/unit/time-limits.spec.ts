import {
  GenerationLoop,
  type LoopEvent,
  type LoopRequest,
  type StepEvent,
} from '../../../src/engine/batching/generation-loop.js';
import { DEFAULT_SAMPLING } from '../../../src/engine/sampling/sampling-parameters.js';
import { WindowDetokenizer } from '../../../src/engine/tokens/window-detokenizer.js';
import { Standstill } from '../../../src/engine/worker/standstill.js';
import { byteLevelDecode } from './support/byte-decoder.js';
import { FakeNetwork } from './support/fake-network.js';

const VOCABULARY = Array.from('abcdefghijklmnopqrst', (letter) => [letter.charCodeAt(0)]);
const decode = byteLevelDecode(VOCABULARY);

let time: number;
let loop: GenerationLoop;

beforeEach(() => {
  time = 0;
  loop = new GenerationLoop(
    new FakeNetwork({ slots: 1, capacity: 200, prefillChunk: 8, vocabSize: VOCABULARY.length }),
    {
      slots: 1,
      prefillChunk: 8,
      prefixCaching: true,
      eosIds: [],
      createDetokenizer: () => new WindowDetokenizer(decode),
      bytesOf: (token) => VOCABULARY[token],
      now: () => time,
    },
  );
});

function submit(request: Partial<LoopRequest>): void {
  loop.submit({ id: 1, prompt: [1, 2, 3], maxNewTokens: 100, sampling: DEFAULT_SAMPLING, ...request });
}

const finishOf = (events: readonly LoopEvent[], id: number) =>
  (events as readonly StepEvent[]).find((event) => event.id === id)?.finish;

describe('a request whose time is over', () => {
  it('ends with what it has, before the next step, and text that was held back is given out', () => {
    submit({ deadlines: { whole: 10 }, ignoreEos: true });
    const free = loop.step() as StepEvent[];
    expect(free[0].finish).toBeUndefined();
    // From here on, the answer may be the beginning of a stop string.
    submit({ id: 2, prompt: [1, 2, 3], deadlines: { whole: 20 }, stop: [`${free[0].text}~`] });
    time = 10;
    const [cut, ...rest] = loop.step() as StepEvent[];
    expect(cut).toEqual({ id: 1, cachedTokens: 0, text: '', finish: { reason: 'timeout', timeLimit: 'whole' } });
    // The slot is free at once: the next one runs in the same step.
    expect(rest.map(({ id, text }) => [id, text])).toEqual([[2, '']]);
    time = 20;
    expect(loop.step()).toMatchObject([{ id: 2, text: free[0].text, finish: { reason: 'timeout' } }]);
    expect(loop.idle).toBe(true);
    expect(loop.step()).toEqual([]);
  });

  it('leaves the queue, also when nothing else happens', () => {
    submit({ id: 1 });
    submit({ id: 2, deadlines: { queue: 5 } });
    loop.step();
    time = 5;
    expect(finishOf(loop.step(), 2)).toEqual({ reason: 'timeout', timeLimit: 'queue' });
  });

  it('is not bound by the limit of the queue once it has a slot', () => {
    submit({ prompt: Array.from({ length: 30 }, () => 1), deadlines: { queue: 5, firstToken: 50 } });
    loop.step();
    time = 10;
    expect(loop.step()).toEqual([]);
    time = 50;
    expect(finishOf(loop.step(), 1)).toEqual({ reason: 'timeout', timeLimit: 'firstToken' });
  });

  it('is not bound by the limit of the first token once it has one', () => {
    submit({ deadlines: { firstToken: 5 } });
    loop.step();
    time = 100;
    expect(finishOf(loop.step(), 1)).toBeUndefined();
  });

  it('does not change what its neighbours say', () => {
    const alone: StepEvent[] = [];
    submit({ maxNewTokens: 5 });
    while (!loop.idle) alone.push(...(loop.step() as StepEvent[]));
    submit({ id: 2, maxNewTokens: 5 });
    submit({ id: 3, deadlines: { queue: 1 } });
    const together: LoopEvent[] = [];
    while (!loop.idle) {
      together.push(...loop.step());
      time++;
    }
    const texts = (events: readonly LoopEvent[], id: number) =>
      (events as StepEvent[]).filter((event) => event.id === id).map(({ text }) => text);
    expect(texts(together, 2)).toEqual(texts(alone, 1));
  });
});

describe('a standstill', () => {
  it('lasts while there is work and none of it gets on', () => {
    let now = 0;
    const standstill = new Standstill(() => now);
    now = 100;
    expect(standstill.duration).toBe(0);
    standstill.begin(1);
    now = 150;
    standstill.begin(2);
    expect(standstill.duration).toBe(50);
    standstill.progress();
    expect(standstill.duration).toBe(0);
    now = 200;
    standstill.end(1);
    now = 230;
    expect(standstill.duration).toBe(30);
    standstill.end(2);
    expect(standstill.duration).toBe(0);
  });
});
