import { Sequence } from '../../../src/engine/batching/sequence.js';
import { LEAST_SHARED, Slots } from '../../../src/engine/batching/slots.js';

/** So many tokens that only this text has. */
function text(name: string, length: number): number[] {
  return Array.from({ length }, (_, i) => name.charCodeAt(0) * 1000 + i);
}

function sequenceOf(prompt: number[]): Sequence {
  return new Sequence(1, prompt);
}

/** Places a sequence and reads all of its prompt. */
function run(slots: Slots, prompt: number[]): Sequence {
  const sequence = sequenceOf(prompt);
  slots.place(sequence);
  sequence.cached = prompt.length;
  return sequence;
}

/** Leaves a prompt behind in a slot. */
function leave(slots: Slots, prompt: number[]): void {
  slots.release(run(slots, prompt));
}

describe('slots', () => {
  it('are taken lowest first', () => {
    const slots = new Slots(3, true);
    expect(['a', 'b', 'c'].map((name) => run(slots, text(name, 4)).slot)).toEqual([0, 1, 2]);
    expect(slots.free).toBe(0);
  });

  it('are taken lowest first among those that were released, when they keep nothing', () => {
    const slots = new Slots(3, false);
    const [a, , c] = ['a', 'b', 'c'].map((name) => run(slots, text(name, 40)));
    slots.release(c);
    slots.release(a);
    expect([run(slots, text('c', 40)), run(slots, text('c', 40))]).toMatchObject([
      { slot: 0, reused: 0 },
      { slot: 2, reused: 0 },
    ]);
  });

  it('count those that are free', () => {
    const slots = new Slots(2, true);
    const sequence = run(slots, text('a', 4));
    expect([slots.free, slots.isFree(0), slots.isFree(1)]).toEqual([1, false, true]);
    slots.release(sequence);
    slots.release(sequence);
    expect([slots.free, slots.isFree(0)]).toEqual([2, true]);
    expect(sequence.slot).toBeUndefined();
  });
});

describe('a free slot', () => {
  it('keeps the tokens of the sequence that left it: a prompt that goes on from there takes it over', () => {
    const slots = new Slots(3, true);
    leave(slots, text('a', 40));
    leave(slots, text('b', 40));
    const next = sequenceOf([...text('b', 40), 7, 8]);
    expect(slots.place(next)).toBeUndefined();
    expect(next).toMatchObject({ slot: 1, cached: 40, reused: 40 });
  });

  it('keeps tokens of the answer, too, but not the last, which never went through the network', () => {
    const slots = new Slots(2, true);
    const sequence = run(slots, text('a', 20));
    sequence.generated.push(1, 2, 3);
    sequence.cached += 2;
    slots.release(sequence);
    const next = sequenceOf([...text('a', 20), 1, 2, 3, 4]);
    slots.place(next);
    expect(next).toMatchObject({ slot: 0, reused: 22 });
  });

  it('keeps what was read of a prompt that was cancelled', () => {
    const slots = new Slots(1, true);
    const half = sequenceOf(text('a', 40));
    slots.place(half);
    half.cached = 24;
    slots.release(half);
    const again = sequenceOf(text('a', 40));
    slots.place(again);
    expect(again.reused).toBe(24);
  });

  it('leaves a prompt its last token to run', () => {
    const slots = new Slots(1, true);
    leave(slots, text('a', 40));
    const again = sequenceOf(text('a', 40));
    slots.place(again);
    expect(again.reused).toBe(39);
  });

  it('is taken with what it has in common, although another is empty', () => {
    const slots = new Slots(2, true);
    leave(slots, text('a', 30));
    const next = sequenceOf([...text('a', 20), ...text('x', 10)]);
    expect(slots.place(next)).toBeUndefined();
    expect(next).toMatchObject({ slot: 0, reused: 20 });
  });

  it('is not taken when most of what it keeps would be lost: what it has in common is copied', () => {
    const slots = new Slots(2, true);
    leave(slots, text('a', 100));
    const next = sequenceOf([...text('a', 20), ...text('x', 10)]);
    expect(slots.place(next)).toEqual({ kind: 'copy', from: 0, to: 1, tokens: 20 });
    expect(next).toMatchObject({ slot: 1, cached: 20, reused: 20 });
    slots.release(next);
    const goesOn = sequenceOf([...text('a', 100), 1]);
    slots.place(goesOn);
    expect(goesOn).toMatchObject({ slot: 0, reused: 100 });
  });

  it('is not copied from for a few tokens', () => {
    const slots = new Slots(2, true);
    leave(slots, text('a', 100));
    const next = sequenceOf([...text('a', LEAST_SHARED - 1), ...text('x', 10)]);
    expect(slots.place(next)).toBeUndefined();
    expect(next).toMatchObject({ slot: 1, reused: 0 });
  });

  it('is given up when it was not used for longest', () => {
    const slots = new Slots(3, true);
    for (const name of ['a', 'b', 'c']) leave(slots, text(name, 40));
    leave(slots, text('a', 40));
    expect(run(slots, text('x', 40)).slot).toBe(1);
    expect(run(slots, text('y', 40)).slot).toBe(2);
    expect(run(slots, text('z', 40)).slot).toBe(0);
  });

  it('counts as used when it was copied from', () => {
    const slots = new Slots(3, true);
    for (const name of ['a', 'b', 'c']) leave(slots, text(name, 100));
    const copy = sequenceOf([...text('b', 20), 1]);
    expect(slots.place(copy)).toEqual({ kind: 'copy', from: 1, to: 0, tokens: 20 });
    expect(run(slots, text('x', 40)).slot).toBe(2);
  });

  it('is empty if nothing was read into it', () => {
    const slots = new Slots(2, true);
    const sequence = sequenceOf(text('a', 40));
    slots.place(sequence);
    slots.release(sequence);
    expect(slots.at(0)).toBeUndefined();
    leave(slots, text('b', 40));
    expect(run(slots, text('c', 40)).slot).toBe(1);
  });
});

describe('a slot in use', () => {
  it('is copied from, as far as it was read', () => {
    const slots = new Slots(2, true);
    const running = run(slots, text('a', 40));
    running.cached = 30;
    const same = sequenceOf(text('a', 40));
    expect(slots.place(same)).toEqual({ kind: 'copy', from: 0, to: 1, tokens: 30 });
    expect(same).toMatchObject({ slot: 1, reused: 30 });
  });

  it('is not copied from when slots keep nothing', () => {
    const slots = new Slots(2, false);
    run(slots, text('a', 40));
    expect(slots.longestShared(text('a', 40))).toBe(0);
    expect(slots.place(sequenceOf(text('a', 40)))).toBeUndefined();
  });

  it('changes places with a free one, and nothing is lost', () => {
    const slots = new Slots(3, true);
    const [a, , c] = ['a', 'b', 'c'].map((name, i) => run(slots, text(name, 40 + i)));
    slots.release(a);
    expect(slots.exchange(c, 0)).toEqual({ kind: 'exchange', from: 2, to: 0, tokens: 42 });
    expect(c.slot).toBe(0);
    expect([0, 1, 2].map((slot) => slots.isFree(slot))).toEqual([false, false, true]);
    const again = sequenceOf([...text('a', 40), 1]);
    slots.place(again);
    expect(again).toMatchObject({ slot: 2, reused: 40 });
  });

  it('is copied to a free one that is empty', () => {
    const slots = new Slots(2, false);
    const [a, b] = ['a', 'b'].map((name) => run(slots, text(name, 40)));
    slots.release(a);
    expect(slots.exchange(b, 0)).toEqual({ kind: 'copy', from: 1, to: 0, tokens: 40 });
    expect(run(slots, text('c', 4)).slot).toBe(1);
  });
});
