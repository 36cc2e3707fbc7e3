import { EventQueue } from '../../../src/engine/worker/event-queue.js';

/** A turn of the event loop: whatever could happen by itself has happened then. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

describe('an event queue', () => {
  it('hands over the events that are there, in order, in one go', async () => {
    const queue = new EventQueue<number>();
    for (const event of [1, 2, 3]) queue.push(event);
    expect(await queue.next()).toEqual([1, 2, 3]);
  });

  it('hands over each event once', async () => {
    const queue = new EventQueue<number>();
    queue.push(1);
    await queue.next();
    queue.push(2);
    expect(await queue.next()).toEqual([2]);
  });

  it('lets the reader wait until there is an event', async () => {
    const queue = new EventQueue<number>();
    let read: number[] | undefined;
    const reading = queue.next().then((events) => (read = events));
    await turn();
    expect(read).toBeUndefined();
    queue.push(1);
    await reading;
    expect(read).toEqual([1]);
  });

  it('hands a waiting reader all that came before it got its turn', async () => {
    const queue = new EventQueue<number>();
    const reading = queue.next();
    queue.push(1);
    queue.push(2);
    expect(await reading).toEqual([1, 2]);
  });

  it('loses nothing between reads', async () => {
    const queue = new EventQueue<number>();
    const read: number[] = [];
    for (let event = 0; event < 100; event++) {
      const reading = event % 3 === 0 ? queue.next() : undefined;
      queue.push(event);
      if (reading) read.push(...(await reading));
    }
    queue.push(100);
    read.push(...(await queue.next()));
    expect(read).toEqual([...Array(101).keys()]);
  });

  it('lets a waiting reader fail', async () => {
    const queue = new EventQueue<number>();
    const reading = queue.next();
    queue.fail(new Error('broken'));
    await expect(reading).rejects.toThrow('broken');
  });

  it('fails only after the events that came before', async () => {
    const queue = new EventQueue<number>();
    queue.push(1);
    queue.fail(new Error('broken'));
    expect(await queue.next()).toEqual([1]);
    await expect(queue.next()).rejects.toThrow('broken');
  });

  it('fails again whenever it is read', async () => {
    const queue = new EventQueue<number>();
    queue.fail(new Error('broken'));
    await expect(queue.next()).rejects.toThrow('broken');
    await expect(queue.next()).rejects.toThrow('broken');
  });

  it('fails with the first of several errors', async () => {
    const queue = new EventQueue<number>();
    queue.fail(new Error('first'));
    queue.fail(new Error('second'));
    await expect(queue.next()).rejects.toThrow('first');
  });

  it('that fails unread is no error by itself', async () => {
    new EventQueue<number>().fail(new Error('broken'));
    await turn();
  });
});
