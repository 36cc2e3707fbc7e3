import { Scheduler, type Step } from '../../../src/engine/batching/scheduler.js';
import { Sequence } from '../../../src/engine/batching/sequence.js';
import { Seeded } from './support/seeded.js';

let lastId = 0;
beforeEach(() => (lastId = 0));

/** A sequence with a prompt of that many tokens. */
function sequenceOf(length: number): Sequence {
  return new Sequence(++lastId, new Array<number>(length).fill(1));
}

/** Does with the sequences what running the step would. */
function run(step: Step): void {
  if (step.kind === 'prefill') {
    step.sequence.cached += step.count;
    if (step.completes) step.sequence.generated.push(2);
    return;
  }
  for (const sequence of step.rows) {
    if (!sequence || sequence.prefilling) continue;
    sequence.cached += 1;
    sequence.generated.push(2);
  }
}

/** The step in few words: `prefill 1 +4` for four tokens of sequence 1, `decode 2 3` for an answer token of two. */
function describeStep(step: Step | undefined): string {
  if (!step) return 'nothing';
  if (step.kind === 'prefill') return `prefill ${step.sequence.id} +${step.count}`;
  const ids = step.rows.flatMap((sequence) => (sequence && !sequence.prefilling ? [sequence.id] : []));
  return `decode ${ids.join(' ')}`;
}

/** Runs the next steps and tells what they were. */
function runSteps(scheduler: Scheduler, count: number): string[] {
  return Array.from({ length: count }, () => {
    const step = scheduler.next();
    const described = describeStep(step);
    if (step) run(step);
    return described;
  });
}

function schedulerOf(slots: number, prefillChunk: number, ...sequences: Sequence[]): Scheduler {
  const scheduler = new Scheduler({ slots, prefillChunk });
  for (const sequence of sequences) scheduler.add(sequence);
  return scheduler;
}

describe('the scheduler', () => {
  it('does nothing when there is nothing to do', () => {
    const scheduler = schedulerOf(2, 4);
    expect(scheduler.next()).toBeUndefined();
    expect(scheduler.idle).toBe(true);
  });

  it('is not idle while a sequence waits or runs', () => {
    const [first, second] = [sequenceOf(1), sequenceOf(1)];
    const scheduler = schedulerOf(1, 4, first, second);
    expect(scheduler.idle).toBe(false);
    scheduler.next();
    scheduler.remove(first);
    expect(scheduler.idle).toBe(false);
    scheduler.remove(second);
    expect(scheduler.idle).toBe(true);
  });

  it('reads a prompt, then adds to the answer token by token', () => {
    expect(runSteps(schedulerOf(1, 8, sequenceOf(5)), 3)).toEqual(['prefill 1 +5', 'decode 1', 'decode 1']);
  });

  it.each([
    [1, ['+1', '+1', '+1', '+1', '+1']],
    [2, ['+2', '+2', '+1']],
    [4, ['+4', '+1']],
    [5, ['+5']],
  ])('reads a prompt of five tokens in chunks of at most %i', (chunk, counts) => {
    const steps = runSteps(schedulerOf(1, chunk, sequenceOf(5)), counts.length + 1);
    expect(steps).toEqual([...counts.map((count) => `prefill 1 ${count}`), 'decode 1']);
  });

  it('says of a chunk whether it is the last of the prompt', () => {
    const scheduler = schedulerOf(1, 2, sequenceOf(4));
    const completes = [0, 1].map(() => {
      const step = scheduler.next();
      if (step) run(step);
      return step?.kind === 'prefill' && step.completes;
    });
    expect(completes).toEqual([false, true]);
  });

  it('reads prompts one after the other, first come, first served', () => {
    const steps = runSteps(schedulerOf(3, 8, sequenceOf(3), sequenceOf(2), sequenceOf(1)), 5);
    expect(steps.filter((step) => step.startsWith('prefill'))).toEqual([
      'prefill 1 +3',
      'prefill 2 +2',
      'prefill 3 +1',
    ]);
  });

  it('takes turns between a long prompt and the answers that run', () => {
    const scheduler = schedulerOf(2, 4, sequenceOf(1));
    runSteps(scheduler, 2);
    scheduler.add(sequenceOf(12));
    expect(runSteps(scheduler, 7)).toEqual([
      'prefill 2 +4',
      'decode 1',
      'prefill 2 +4',
      'decode 1',
      'prefill 2 +4',
      'decode 1 2',
      'decode 1 2',
    ]);
  });

  it('takes turns although prompts follow one upon the other', () => {
    const scheduler = schedulerOf(4, 4, sequenceOf(1));
    runSteps(scheduler, 1);
    for (let i = 0; i < 3; i++) scheduler.add(sequenceOf(4));
    expect(runSteps(scheduler, 6).map((step) => step.split(' ')[0])).toEqual([
      'decode',
      'prefill',
      'decode',
      'prefill',
      'decode',
      'prefill',
    ]);
  });

  it('adds a token to every answer in one step', () => {
    const scheduler = schedulerOf(3, 8, sequenceOf(1), sequenceOf(1), sequenceOf(1));
    runSteps(scheduler, 5);
    expect(runSteps(scheduler, 1)).toEqual(['decode 1 2 3']);
  });

  it('lets a sequence wait until a slot is free', () => {
    const [first, second] = [sequenceOf(1), sequenceOf(1)];
    const scheduler = schedulerOf(1, 8, first, second);
    expect(runSteps(scheduler, 2)).toEqual(['prefill 1 +1', 'decode 1']);
    expect(second.slot).toBeUndefined();
    scheduler.remove(first);
    expect(runSteps(scheduler, 1)).toEqual(['prefill 2 +1']);
    expect(second.slot).toBe(0);
  });

  it('spans the slots from the first answer to the last, with the holes between', () => {
    const sequences = [1, 2, 3, 4].map(() => sequenceOf(1));
    const scheduler = schedulerOf(5, 8, ...sequences);
    runSteps(scheduler, 8);
    scheduler.remove(sequences[0]);
    scheduler.remove(sequences[2]);
    expect(scheduler.next()).toMatchObject({
      kind: 'decode',
      firstSlot: 1,
      rows: [sequences[1], undefined, sequences[3]],
    });
  });

  it('carries along a sequence that is prefilling between two answers', () => {
    const sequences = [1, 2, 3].map(() => sequenceOf(1));
    const scheduler = schedulerOf(3, 2, ...sequences);
    runSteps(scheduler, 6);
    scheduler.remove(sequences[1]);
    const late = sequenceOf(10);
    scheduler.add(late);
    expect(runSteps(scheduler, 1)).toEqual(['prefill 4 +2']);
    expect(scheduler.next()).toMatchObject({ kind: 'decode', firstSlot: 0, rows: [sequences[0], late, sequences[2]] });
  });
});

describe('a sequence that is removed', () => {
  it('while it waits never runs', () => {
    const [first, second, third] = [sequenceOf(1), sequenceOf(1), sequenceOf(1)];
    const scheduler = schedulerOf(1, 8, first, second, third);
    runSteps(scheduler, 1);
    scheduler.remove(second);
    scheduler.remove(first);
    expect(runSteps(scheduler, 1)).toEqual(['prefill 3 +1']);
  });

  it('before the first step never runs', () => {
    const first = sequenceOf(1);
    const scheduler = schedulerOf(1, 8, first);
    scheduler.remove(first);
    expect(scheduler.idle).toBe(true);
    expect(scheduler.next()).toBeUndefined();
  });

  it('while its prompt is read gives its slot to the next step', () => {
    const [first, second] = [sequenceOf(9), sequenceOf(1)];
    const scheduler = schedulerOf(1, 3, first, second);
    runSteps(scheduler, 1);
    scheduler.remove(first);
    expect(runSteps(scheduler, 1)).toEqual(['prefill 2 +1']);
    expect([first.slot, second.slot]).toEqual([undefined, 0]);
  });

  it('while its answer runs gives its slot to the next step', () => {
    const [first, second] = [sequenceOf(1), sequenceOf(2)];
    const scheduler = schedulerOf(1, 3, first, second);
    runSteps(scheduler, 3);
    scheduler.remove(first);
    expect(runSteps(scheduler, 1)).toEqual(['prefill 2 +2']);
    expect([first.slot, second.slot]).toEqual([undefined, 0]);
  });

  it('twice does no harm to who has its slot then', () => {
    const [first, second, third] = [sequenceOf(1), sequenceOf(1), sequenceOf(1)];
    const scheduler = schedulerOf(1, 3, first, second, third);
    runSteps(scheduler, 1);
    scheduler.remove(first);
    runSteps(scheduler, 1);
    scheduler.remove(first);
    expect(runSteps(scheduler, 1)).toEqual(['decode 2']);
    expect(third.slot).toBeUndefined();
  });
});

describe('the scheduler under hundreds of sequences that come, finish and are removed at random', () => {
  it.each([
    [1, 4, 101],
    [2, 1, 102],
    [3, 5, 103],
    [8, 3, 104],
    [8, 64, 105],
  ])('with %i slots and chunks of %i keeps all its promises (seed %i)', (slots, prefillChunk, seed) => {
    const random = new Seeded(seed);
    const scheduler = new Scheduler({ slots, prefillChunk });
    const alive = new Set<Sequence>();
    const wanted = new Map<Sequence, number>();
    const admitted: number[] = [];
    let lastKind: Step['kind'] | undefined;

    const remove = (sequence: Sequence): void => {
      scheduler.remove(sequence);
      alive.delete(sequence);
      expect(sequence.slot).toBeUndefined();
    };

    let arrivals = 300;
    for (let tick = 0; arrivals > 0 || alive.size > 0; tick++) {
      if (tick > 50_000) throw new Error('sequences do not finish');
      for (; arrivals > 0 && random.chance(0.3); arrivals--) {
        const sequence = sequenceOf(random.integer(1, 20));
        alive.add(sequence);
        wanted.set(sequence, random.integer(1, 12));
        scheduler.add(sequence);
      }
      if (alive.size > 0 && random.chance(0.05)) remove(random.pick([...alive]));

      const before = [...alive].filter((sequence) => sequence.slot !== undefined);
      const step = scheduler.next();
      expect(step === undefined).toBe(alive.size === 0);
      if (!step) continue;

      // Slots: each has one occupant, none is left empty while somebody waits, and they are given in order of arrival.
      const running = [...alive].filter((sequence) => sequence.slot !== undefined);
      const taken = running.map((sequence) => sequence.slot as number);
      expect(new Set(taken).size).toBe(taken.length);
      for (const slot of taken) expect(slot >= 0 && slot < slots).toBe(true);
      expect(running.length).toBe(Math.min(slots, alive.size));
      admitted.push(...running.filter((sequence) => !before.includes(sequence)).map(({ id }) => id));

      const decoding = running.filter((sequence) => !sequence.prefilling);
      const prefilling = running.filter((sequence) => sequence.prefilling);
      if (step.kind === 'prefill') {
        const { sequence, count, slot, completes } = step;
        expect(sequence).toBe(prefilling[0]);
        expect(slot).toBe(sequence.slot);
        expect(count).toBe(Math.min(prefillChunk, sequence.prompt.length - sequence.cached));
        expect(completes).toBe(sequence.cached + count === sequence.prompt.length);
      } else {
        step.rows.forEach((sequence, row) => {
          expect(sequence).toBe(running.find(({ slot }) => slot === step.firstSlot + row));
        });
        for (const sequence of decoding) expect(step.rows).toContain(sequence);
        expect(decoding).toContain(step.rows[0]);
        expect(decoding).toContain(step.rows.at(-1));
      }
      // Turns: neither kind goes twice in a row while there is something of the other to do.
      if (step.kind === lastKind) expect(step.kind === 'prefill' ? decoding : prefilling).toEqual([]);
      lastKind = step.kind;

      run(step);
      for (const sequence of running) {
        if (!sequence.prefilling) expect(sequence.cached).toBe(sequence.length - 1);
        if (sequence.generated.length >= (wanted.get(sequence) as number)) remove(sequence);
      }
    }
    expect(scheduler.idle).toBe(true);
    expect(admitted.length).toBeGreaterThan(100);
    expect(admitted).toEqual([...admitted].sort((a, b) => a - b));
  });
});
