import { Scheduler, type Step } from '../../../src/engine/batching/scheduler.js';
import { Sequence } from '../../../src/engine/batching/sequence.js';

let lastId = 0;
beforeEach(() => (lastId = 0));

/** A sequence with a prompt of that many tokens, which no other has. */
function sequenceOf(length: number): Sequence {
  const id = ++lastId;
  return new Sequence(
    id,
    Array.from({ length }, (_, i) => 10_000 * id + i),
  );
}

/** A sequence with a prompt that begins like the other's. */
function likeThe(other: Sequence, shared: number, length: number): Sequence {
  const sequence = sequenceOf(length);
  return new Sequence(sequence.id, [...other.tokens(0, shared), ...sequence.tokens(shared, length)]);
}

/** Does with the sequences what running the step would, which takes a millisecond if not told otherwise. */
function run(scheduler: Scheduler, step: Step, elapsed = 1): void {
  scheduler.ran(step, elapsed);
  if (step.kind === 'prefill' && step.completes) step.sequence.generated.push(2);
  if (step.kind === 'decode') for (const row of step.active) step.rows[row]?.generated.push(2);
}

/** The step in few words: `prefill 1 +4` for four tokens of sequence 1, `decode 2 3` for an answer token of two. */
function describeStep(step: Step | undefined): string {
  if (!step) return 'nothing';
  if (step.kind === 'prefill') return `prefill ${step.sequence.id} +${step.count}`;
  return `decode ${step.active.map((row) => step.rows[row]?.id).join(' ')}`;
}

/** Runs the next steps and tells what they were. */
function runSteps(scheduler: Scheduler, count: number, elapsed?: number): string[] {
  return Array.from({ length: count }, () => {
    const step = scheduler.next();
    const described = describeStep(step);
    if (step) run(scheduler, step, elapsed);
    return described;
  });
}

function schedulerOf(slots: number, prefillChunk: number, ...sequences: Sequence[]): Scheduler {
  const scheduler = new Scheduler({ slots, prefillChunk, prefixCaching: true });
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
    [1, ['prefill 1 +1', 'prefill 1 +1', 'prefill 1 +1', 'prefill 1 +1', 'decode 1']],
    [2, ['prefill 1 +2', 'prefill 1 +2', 'decode 1']],
    [3, ['prefill 1 +3', 'prefill 1 +2']],
    [4, ['prefill 1 +4', 'decode 1']],
    [5, ['prefill 1 +5']],
  ])(
    'reads a prompt of five tokens in chunks of at most %i; a last one left is a row that decodes',
    (chunk, reading) => {
      const steps = runSteps(schedulerOf(1, chunk, sequenceOf(5)), reading.length + 1);
      expect(steps).toEqual([...reading, 'decode 1']);
    },
  );

  it('says of a chunk whether it is the last of the prompt', () => {
    const scheduler = schedulerOf(1, 2, sequenceOf(4));
    const completes = [0, 1].map(() => {
      const step = scheduler.next();
      if (step) run(scheduler, step);
      return step?.kind === 'prefill' && step.completes;
    });
    expect(completes).toEqual([false, true]);
  });

  it('reads prompts of one length one after the other, first come, first served', () => {
    const steps = runSteps(schedulerOf(3, 8, sequenceOf(3), sequenceOf(3), sequenceOf(3)), 7);
    expect(steps.filter((step) => step.startsWith('prefill'))).toEqual([
      'prefill 1 +3',
      'prefill 2 +3',
      'prefill 3 +3',
    ]);
  });

  it('lets a short prompt pass a long one, which has every other turn', () => {
    const scheduler = schedulerOf(5, 4, sequenceOf(24));
    expect(runSteps(scheduler, 1)).toEqual(['prefill 1 +4']);
    for (let i = 0; i < 3; i++) scheduler.add(sequenceOf(4));
    const prefills = runSteps(scheduler, 12).filter((step) => step.startsWith('prefill'));
    expect(prefills.slice(0, 6)).toEqual([2, 1, 3, 1, 4, 1].map((id) => `prefill ${id} +4`));
  });

  it('gives a long prompt as much time as the short ones that pass it', () => {
    const scheduler = schedulerOf(5, 256, sequenceOf(2000));
    const firsts: string[] = [];
    for (let i = 0; i < 12; i++) {
      scheduler.add(sequenceOf(2));
      const step = scheduler.next() as Step;
      firsts.push(describeStep(step));
      run(scheduler, step, step.kind === 'prefill' ? step.count : 0);
      if (step.kind === 'prefill' && step.completes) scheduler.remove(step.sequence);
    }
    const long = firsts.indexOf('prefill 1 +256');
    expect(long).toBeLessThanOrEqual(1);
    expect(firsts.slice(long + 1)).not.toContain('prefill 1 +256');
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
      'prefill',
      'decode',
      'prefill',
      'decode',
      'prefill',
      'decode',
    ]);
  });

  it('gives the answers half of the time, however long the steps of either are', () => {
    const scheduler = schedulerOf(2, 4, sequenceOf(1));
    runSteps(scheduler, 1);
    scheduler.add(sequenceOf(1000));
    const spent = { prefill: 0, decode: 0 };
    for (let i = 0; i < 200; i++) {
      const step = scheduler.next() as Step;
      const elapsed = step.kind === 'prefill' ? 70 : 20;
      spent[step.kind] += elapsed;
      run(scheduler, step, elapsed);
    }
    expect(Math.abs(spent.prefill - spent.decode)).toBeLessThanOrEqual(70);
  });

  it('adds a token to every answer in one step', () => {
    const scheduler = schedulerOf(3, 8, sequenceOf(1), sequenceOf(1), sequenceOf(1));
    runSteps(scheduler, 5);
    expect(runSteps(scheduler, 1)).toEqual(['decode 1 2 3']);
  });

  it('lets a sequence wait until a slot is free', () => {
    const [first, second] = [sequenceOf(1), sequenceOf(1)];
    const scheduler = schedulerOf(1, 8, first, second);
    expect(runSteps(scheduler, 2)).toEqual(['decode 1', 'decode 1']);
    expect(second.slot).toBeUndefined();
    scheduler.remove(first);
    expect(runSteps(scheduler, 1)).toEqual(['decode 2']);
    expect(second.slot).toBe(0);
  });

  it('spans the slots from the first answer to the last, with what lies between', () => {
    // Long ones, which are not moved at once.
    const sequences = [1, 2, 3, 4].map(() => sequenceOf(1000));
    const scheduler = schedulerOf(5, 1000, ...sequences);
    runSteps(scheduler, 8);
    scheduler.remove(sequences[0]);
    scheduler.remove(sequences[2]);
    expect(scheduler.next()).toMatchObject({ kind: 'decode', firstSlot: 1, rows: sequences.slice(1), active: [0, 2] });
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
    expect(runSteps(scheduler, 1)).toEqual(['decode 3']);
  });

  it('before the first step never runs', () => {
    const first = sequenceOf(1);
    const scheduler = schedulerOf(1, 8, first);
    scheduler.remove(first);
    expect(scheduler.idle).toBe(true);
    expect(scheduler.next()).toBeUndefined();
  });

  it('while its prompt is read gives its slot to the next step', () => {
    const [first, second] = [sequenceOf(9), sequenceOf(2)];
    const scheduler = schedulerOf(1, 3, first, second);
    runSteps(scheduler, 1);
    scheduler.remove(first);
    expect(runSteps(scheduler, 1)).toEqual(['prefill 2 +2']);
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

describe('holes between answers', () => {
  /** Answers of the same length in all slots, of which those in the middle have ended. */
  function withHoles(length: number): { scheduler: Scheduler; sequences: readonly Sequence[] } {
    const sequences = [1, 2, 3, 4].map(() => sequenceOf(length));
    const scheduler = schedulerOf(4, length, ...sequences);
    runSteps(scheduler, 8);
    for (const ended of [sequences[1], sequences[2]]) scheduler.remove(ended);
    return { scheduler, sequences };
  }

  /** How many steps it takes until the last answer is moved. */
  function stepsUntilMove(length: number): number {
    const { scheduler, sequences } = withHoles(length);
    const last = sequences[3].slot;
    let steps = 0;
    for (; sequences[3].slot === last; steps++) {
      if (steps > 100) throw new Error('the holes stay');
      runSteps(scheduler, 1);
    }
    return steps;
  }

  it('are closed at once when answers are short', () => {
    expect(stepsUntilMove(20)).toBe(1);
  });

  it('are carried along for as many steps as the move of a long answer is worth', () => {
    expect(stepsUntilMove(2000)).toBe(4);
    expect(stepsUntilMove(4000)).toBe(7);
  });

  it('are closed by exchanging slots, so that what lay there can still be reused', () => {
    const { scheduler, sequences } = withHoles(20);
    expect(scheduler.next()).toMatchObject({
      moves: [{ kind: 'exchange', from: 3, to: 1 }],
      firstSlot: 0,
      rows: [sequences[0], sequences[3]],
      active: [0, 1],
    });
    const goesOn = likeThe(sequences[1], 20, 25);
    scheduler.add(goesOn);
    scheduler.next();
    expect(goesOn).toMatchObject({ slot: 3, reused: 20 });
  });

  it('are not those before the first answer or after the last', () => {
    const sequences = [1, 2, 3, 4].map(() => sequenceOf(20));
    const scheduler = schedulerOf(4, 20, ...sequences);
    runSteps(scheduler, 8);
    for (const ended of [sequences[0], sequences[3]]) scheduler.remove(ended);
    for (let i = 0; i < 20; i++) {
      const step = scheduler.next() as Step;
      expect(step).toMatchObject({ moves: [], firstSlot: 1, active: [0, 1] });
      run(scheduler, step);
    }
  });
});

describe('a prompt that begins like one which is being read', () => {
  it('waits until that has been read, then takes it over', () => {
    const first = sequenceOf(100);
    const scheduler = schedulerOf(2, 20, first);
    runSteps(scheduler, 1);
    const second = likeThe(first, 50, 70);
    scheduler.add(second);
    expect(runSteps(scheduler, 2)).toEqual(['prefill 1 +20', 'prefill 1 +20']);
    expect(second.slot).toBeUndefined();
    expect(scheduler.next()).toMatchObject({ moves: [{ kind: 'copy', from: 0, to: 1, tokens: 50 }] });
    expect(second).toMatchObject({ slot: 1, reused: 50 });
  });

  it('lets others pass, but keeps its slot', () => {
    const first = sequenceOf(100);
    const scheduler = schedulerOf(3, 20, first);
    runSteps(scheduler, 1);
    const second = likeThe(first, 100, 110);
    const [third, fourth] = [sequenceOf(200), sequenceOf(200)];
    for (const sequence of [second, third, fourth]) scheduler.add(sequence);
    scheduler.next();
    expect([second.slot, third.slot, fourth.slot]).toEqual([undefined, 1, undefined]);
    runSteps(scheduler, 8);
    expect([second.slot, fourth.slot]).toEqual([2, undefined]);
  });

  it('does not wait any more when that is cancelled, and takes over what there is', () => {
    const first = sequenceOf(100);
    const scheduler = schedulerOf(2, 20, first);
    runSteps(scheduler, 2);
    const [second, third] = [likeThe(first, 100, 110), likeThe(first, 100, 120)];
    scheduler.add(second);
    scheduler.add(third);
    scheduler.next();
    scheduler.remove(first);
    scheduler.next();
    expect(second).toMatchObject({ slot: 0, reused: 40 });
    // Now it is the second that reads what both begin with.
    expect(third.slot).toBeUndefined();
  });

  it('can be cancelled while it waits', () => {
    const first = sequenceOf(100);
    const scheduler = schedulerOf(2, 20, first);
    runSteps(scheduler, 1);
    const second = likeThe(first, 100, 110);
    scheduler.add(second);
    runSteps(scheduler, 1);
    scheduler.remove(second);
    runSteps(scheduler, 20);
    expect(second.slot).toBeUndefined();
    scheduler.remove(first);
    expect(scheduler.idle).toBe(true);
  });

  it('is soonest answered if that is read first, though two longer prompts are ahead', () => {
    const [oldest, middle] = [sequenceOf(1000), sequenceOf(900)];
    const scheduler = schedulerOf(5, 20, oldest, middle, sequenceOf(800));
    const short = likeThe(middle, 30, 40);
    scheduler.add(short);
    const steps = runSteps(scheduler, 5);
    expect(steps).toEqual(['prefill 2 +20', 'prefill 1 +20', 'prefill 2 +20', 'prefill 1 +20', 'prefill 4 +10']);
  });

  it('does not wait for a few tokens', () => {
    const first = sequenceOf(100);
    const scheduler = schedulerOf(2, 20, first);
    const second = likeThe(first, 10, 40);
    scheduler.add(second);
    scheduler.next();
    expect(second).toMatchObject({ slot: 1, reused: 0 });
  });

  it('does not wait when prompts share nothing', () => {
    const first = sequenceOf(100);
    const scheduler = new Scheduler({ slots: 2, prefillChunk: 20, prefixCaching: false });
    const second = likeThe(first, 100, 110);
    for (const sequence of [first, second]) scheduler.add(sequence);
    expect(scheduler.next()).toMatchObject({ moves: [] });
    expect(second).toMatchObject({ slot: 1, reused: 0 });
  });
});
