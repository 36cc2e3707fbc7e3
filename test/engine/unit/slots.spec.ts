import { Slots } from '../../../src/engine/batching/slots.js';

describe('slots', () => {
  it('are taken lowest first', () => {
    const slots = new Slots<string>(3);
    expect(['a', 'b', 'c'].map((occupant) => slots.acquire(occupant))).toEqual([0, 1, 2]);
  });

  it('are taken lowest first among those that were released, too', () => {
    const slots = new Slots<string>(3);
    for (const occupant of ['a', 'b', 'c']) slots.acquire(occupant);
    slots.release(2);
    slots.release(0);
    expect(slots.acquire('d')).toBe(0);
    expect(slots.acquire('e')).toBe(2);
  });

  it('cannot be taken when all are', () => {
    const slots = new Slots<string>(1);
    slots.acquire('a');
    expect(slots.acquire('b')).toBeUndefined();
    expect(slots.range(0, 0)).toEqual(['a']);
  });

  it('are free as long as one is', () => {
    const slots = new Slots<string>(2);
    const free = [slots.hasFree];
    slots.acquire('a');
    free.push(slots.hasFree);
    slots.acquire('b');
    free.push(slots.hasFree);
    slots.release(1);
    free.push(slots.hasFree);
    expect(free).toEqual([true, true, false, true]);
  });

  it('tell the occupants of a range, with holes', () => {
    const slots = new Slots<string>(5);
    for (const occupant of ['a', 'b', 'c', 'd']) slots.acquire(occupant);
    slots.release(1);
    expect(slots.range(0, 2)).toEqual(['a', undefined, 'c']);
    expect(slots.range(2, 4)).toEqual(['c', 'd', undefined]);
    expect(slots.range(3, 3)).toEqual(['d']);
  });

  it('told once do not change with who comes and goes', () => {
    const slots = new Slots<string>(2);
    slots.acquire('a');
    const range = slots.range(0, 1);
    slots.release(0);
    slots.acquire('b');
    expect(range).toEqual(['a', undefined]);
  });
});
