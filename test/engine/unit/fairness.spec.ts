/** What clients take from each other, in simulated time. */
import { ClientShares } from '../../../src/engine/batching/client-shares.js';
import { Sequence } from '../../../src/engine/batching/sequence.js';
import { type SimulatedRequest, SimulatedServer } from './support/simulated-server.js';

/** Milliseconds that one step takes at most which others wait for; it is longest where it reads the end of a prompt. */
const SHORT_STEP = 95;

let texts = 0;

/** A prompt that no other begins like. */
function promptOf(length: number): number[] {
  texts += 1;
  return Array.from({ length }, (_, i) => texts * 10_000 + i);
}

function aloneFor(prompt: number): number {
  const server = new SimulatedServer({ slots: 8 });
  const request = server.submit(promptOf(prompt), 20, 'light');
  server.runToEnd();
  return request.firstTokenAfter;
}

interface Flood {
  readonly prompt: number;
  readonly answer: number;
  readonly depth: number;
  readonly slots?: number;
}

/** A server on which one client always has so many requests; another has come before. */
function flooded({ prompt, answer, depth, slots = 8 }: Flood): {
  server: SimulatedServer;
  step: (onScheduled?: () => void) => void;
} {
  const server = new SimulatedServer({ slots });
  server.submit(promptOf(20), 1, 'light');
  server.runToEnd();
  const open: SimulatedRequest[] = [];
  const step = (onScheduled?: () => void): void => {
    for (const ended of open.filter((request) => request.ended)) open.splice(open.indexOf(ended), 1);
    while (open.length < depth) open.push(server.submit(promptOf(prompt), answer, 'heavy'));
    server.step(onScheduled);
  };
  for (let i = 0; i < 400; i++) step();
  return { server, step };
}

describe('a light client while another floods', () => {
  it.each<[string, Flood]>([
    ['with long answers', { prompt: 50, answer: 500, depth: 40 }],
    ['with long prompts', { prompt: 2000, answer: 5, depth: 40 }],
    ['with long prompts on two slots', { prompt: 2000, answer: 5, depth: 40, slots: 2 }],
    ['with short ones', { prompt: 30, answer: 10, depth: 100 }],
    ['with both', { prompt: 600, answer: 200, depth: 200 }],
  ])(
    '%s has a slot with the next step, and its first token after at most twice the time alone, or for a short prompt that time and one short step',
    (_, flood) => {
      const { server, step } = flooded(flood);
      for (const prompt of [20, 200, 500, 1500]) {
        for (let round = 0; round < 5; round++) {
          let light: SimulatedRequest | undefined;
          // It comes when a step has just begun.
          step(() => (light ??= server.submit(promptOf(prompt), 20, 'light')));
          const before = server.steps.length;
          step();
          expect(light?.admitted).toBe(true);
          while (!light?.ended) step();
          const alone = aloneFor(prompt);
          expect(light.firstTokenAfter).toBeLessThanOrEqual(alone + Math.max(alone, SHORT_STEP));
          expect(server.steps[before - 1].elapsed).toBeLessThanOrEqual(SHORT_STEP);
          // A light one: others have had more, by more than its head start.
          for (const from = server.time; server.time < from + 5000 + 77 * round;) step();
        }
      }
    },
  );
});

describe('a light client whose prompt another is reading', () => {
  it.each([30, 600, 2000])(
    'does not wait for it: while prompts of %i tokens flood, at most twice as long',
    (prompt) => {
      const { server, step } = flooded({ prompt, answer: 10, depth: 40 });
      const common = promptOf(1500);
      const other = server.submit([...common, 1], 10, 'heavy');
      while (other.sequence.cached === 0) step();
      const light = server.submit([...common, 2], 10, 'light');
      while (!light.ended) step();
      expect(light.firstTokenAfter).toBeLessThanOrEqual(2 * aloneFor(1500));
    },
  );
});

describe('a prompt of a client', () => {
  const chunks = ({ steps }: SimulatedServer): number[] =>
    steps.map(({ step }) => (step.kind === 'prefill' ? step.count : 0));

  it('is read in whole chunks when nobody else is there', () => {
    const server = new SimulatedServer({ slots: 8 });
    server.submit(promptOf(64), 1, 'light');
    server.runToEnd();
    server.submit(promptOf(1024), 1, 'heavy');
    server.runToEnd();
    expect(chunks(server)).toEqual([64, 256, 256, 256, 256]);
  });

  it('is read in whole chunks beside others of the only client', () => {
    const server = new SimulatedServer({ slots: 8 });
    server.submit(promptOf(64), 1, 'only');
    server.runToEnd();
    for (let i = 0; i < 2; i++) server.submit(promptOf(1024), 1, 'only');
    server.runToEnd();
    expect(chunks(server)).toEqual([64, ...Array<number>(8).fill(256)]);
  });
});

describe('clients', () => {
  it('have equal numbers of slots, but for one that is kept, when both want all', () => {
    const server = new SimulatedServer({ slots: 9 });
    for (let i = 0; i < 50; i++) server.submit(promptOf(20), 30, 'a');
    for (let i = 0; i < 50; i++) server.submit(promptOf(20), 30, 'b');
    for (let i = 0; i < 400; i++) server.step();
    const count = (client: string): number =>
      server.running.filter(({ sequence }) => sequence.client === client).length;
    expect([count('a'), count('b')]).toEqual([4, 4]);
  });

  it('each get theirs in order of arrival', () => {
    const server = new SimulatedServer({ slots: 3 });
    const requests = Array.from({ length: 30 }, (_, i) => server.submit(promptOf(20), 5, i % 3 === 0 ? 'a' : 'b'));
    const admitted: SimulatedRequest[] = [];
    while (server.step((now) => admitted.push(...now)));
    for (const client of ['a', 'b']) {
      const of = (list: readonly SimulatedRequest[]) => list.filter(({ sequence }) => sequence.client === client);
      expect(of(admitted)).toEqual(of(requests));
    }
  });

  it('have all slots when nobody else has said a name', () => {
    const server = new SimulatedServer({ slots: 4 });
    server.submit(promptOf(20), 1);
    server.runToEnd();
    for (let i = 0; i < 10; i++) server.submit(promptOf(20), 30, 'only');
    for (let i = 0; i < 10; i++) server.step();
    expect(server.running).toHaveLength(4);
  });

  it('that are alone have all slots, also some time after another left', () => {
    const server = new SimulatedServer({ slots: 4 });
    server.submit(promptOf(20), 1, 'gone');
    server.runToEnd();
    for (let i = 0; i < 1001; i++) {
      server.submit(promptOf(2), 1, 'here');
      server.runToEnd();
    }
    for (let i = 0; i < 4; i++) server.submit(promptOf(20), 50, 'here');
    server.step();
    expect(server.running).toHaveLength(4);
  });
});

describe('a single slot', () => {
  /** The clients in the order in which they get it. */
  function orderOf(server: SimulatedServer): string[] {
    const order: string[] = [];
    while (server.step((admitted) => order.push(...admitted.map(({ sequence }) => sequence.client))));
    return order;
  }

  it('goes to a light client before all that a heavy one has waiting', () => {
    const server = new SimulatedServer({ slots: 1 });
    for (let i = 0; i < 5; i++) server.submit(promptOf(20), 50, 'heavy');
    server.step();
    server.submit(promptOf(20), 5, 'light');
    expect(orderOf(server)).toEqual(['light', 'heavy', 'heavy', 'heavy', 'heavy']);
  });

  it('goes round between clients that want the same', () => {
    const server = new SimulatedServer({ slots: 1 });
    for (let i = 0; i < 4; i++) server.submit(promptOf(20), 20, 'a');
    for (let i = 0; i < 4; i++) server.submit(promptOf(20), 20, 'b');
    expect(orderOf(server)).toEqual(['a', 'b', 'a', 'b', 'a', 'b', 'a', 'b']);
  });

  it('goes to clients that come for the first time in the order in which they came', () => {
    const server = new SimulatedServer({ slots: 1 });
    server.submit(promptOf(2000), 200, 'there');
    for (const client of ['a', 'b', 'c']) {
      for (let i = 0; i < 5; i++) server.step();
      server.submit(promptOf(20), 5, client);
    }
    expect(orderOf(server)).toEqual(['a', 'b', 'c']);
  });
});

describe('the time of a client', () => {
  const of = (id: number, client: string): Sequence => {
    const sequence = new Sequence(id, [1], client);
    sequence.arrival = id;
    return sequence;
  };

  it('counts from those that are there when it comes, with a head start: no more is owed for its absence', () => {
    const shares = new ClientShares();
    const [a, b] = [of(1, 'a'), of(2, 'b')];
    shares.arrive(a, []);
    shares.spent(100_000, [a]);
    shares.arrive(b, [a]);
    shares.spent(1_999, [b]);
    expect(shares.leastServed([a, b])).toEqual([b]);
    shares.spent(2, [b]);
    expect(shares.leastServed([a, b])).toEqual([a]);
  });

  it('counts from the same for all that come one after another', () => {
    const shares = new ClientShares();
    const [a, b, c] = [of(1, 'a'), of(2, 'b'), of(3, 'c')];
    shares.arrive(a, []);
    shares.spent(100_000, [a]);
    shares.arrive(b, [a]);
    shares.arrive(c, [a, b]);
    expect(shares.leastServed([a, b, c])).toEqual([b]);
    shares.spent(1, [b]);
    expect(shares.leastServed([a, b, c])).toEqual([c]);
  });

  it('of a step is shared by those that are in it', () => {
    const shares = new ClientShares();
    const [a, b, c] = [of(1, 'a'), of(2, 'b'), of(3, 'c')];
    for (const sequence of [a, b, c]) shares.arrive(sequence, []);
    shares.spent(30, [a, a, b]);
    shares.spent(15, [c]);
    expect(shares.leastServed([a, b, c])).toEqual([b]);
  });
});
