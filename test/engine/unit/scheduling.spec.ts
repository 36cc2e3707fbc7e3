/** The scheduler in simulated time: what it promises to those that wait, and to those that run. */
import type { Sequence } from '../../../src/engine/batching/sequence.js';
import { LEAST_SHARED } from '../../../src/engine/batching/slots.js';
import { Seeded } from './support/seeded.js';
import { type SimulatedOptions, type SimulatedRequest, SimulatedServer } from './support/simulated-server.js';

let texts = 0;

/** A prompt that no other begins like. */
function promptOf(length: number): number[] {
  texts += 1;
  return Array.from({ length }, (_, i) => texts * 10_000 + i);
}

/** Runs until the request has so many tokens. */
function runUntil(server: SimulatedServer, request: SimulatedRequest, tokens: number): void {
  while (request.tokenTimes.length < tokens) server.step();
}

/** The longest step that reads a chunk of a prompt. */
function longestChunk(server: SimulatedServer): number {
  return Math.max(...server.steps.map(({ step, elapsed }) => (step.kind === 'prefill' ? elapsed : 0)));
}

function gaps(times: readonly number[]): number[] {
  return times.slice(1).map((time, i) => time - times[i]);
}

describe('a prompt of 10 tokens', () => {
  const alone = new SimulatedServer({ slots: 8 });
  const aloneRequest = alone.submit(promptOf(10), 5);
  alone.runToEnd();

  // Each in another moment of the long prefill.
  it.each([1, 2, 3, 4, 5, 6])('that comes after %i chunks of a long one waits for at most two more', (chunks) => {
    const server = new SimulatedServer({ slots: 8 });
    server.submit(promptOf(2000), 5);
    for (let i = 0; i < chunks; i++) server.step();
    const short = server.submit(promptOf(10), 5);
    server.runToEnd();
    expect(short.firstTokenAfter).toBeLessThanOrEqual(aloneRequest.firstTokenAfter + 2 * longestChunk(server));
  });

  it('that comes while a long one is read and four answers run waits for at most two chunks and what they owe', () => {
    const server = new SimulatedServer({ slots: 8 });
    const streams = Array.from({ length: 4 }, () => server.submit(promptOf(10), 1000));
    runUntil(server, streams[3], 10);
    server.submit(promptOf(2000), 5);
    for (let i = 0; i < 9; i++) server.step();
    const short = server.submit(promptOf(10), 5);
    runUntil(server, short, 1);
    expect(short.firstTokenAfter).toBeLessThanOrEqual(aloneRequest.firstTokenAfter + 4 * 80);
  });
});

describe('a prompt of 2,000 tokens', () => {
  it('leaves four answers that run at least 0.4 of their pace, and no pause longer than 150 ms', () => {
    const server = new SimulatedServer({ slots: 8 });
    const streams = Array.from({ length: 4 }, () => server.submit(promptOf(10), 1000));
    runUntil(server, streams[3], 30);
    const before = gaps(streams[0].tokenTimes.slice(-20));
    const long = server.submit(promptOf(2000), 5);
    const from = streams[0].tokenTimes.length;
    runUntil(server, long, 1);
    const during = gaps(streams[0].tokenTimes.slice(from));
    expect(mean(before) / mean(during)).toBeGreaterThanOrEqual(0.4);
    expect(Math.max(...during)).toBeLessThanOrEqual(150);
  });

  it('does not starve while short ones keep coming: it has half of the time that prompts get', () => {
    const server = new SimulatedServer({ slots: 8 });
    const long = server.submit(promptOf(2000), 1);
    while (long.tokenTimes.length === 0) {
      while (server.open.size < 8) server.submit(promptOf(200), 1);
      server.step();
    }
    const alone = new SimulatedServer({ slots: 8 });
    const aloneLong = alone.submit(promptOf(2000), 1);
    alone.runToEnd();
    expect(long.firstTokenAfter).toBeLessThanOrEqual(2.2 * aloneLong.firstTokenAfter);
  });
});

describe('a second turn of a chat', () => {
  it.each([true, false])('begins from where the first ended, if prefixes are shared: %s', (prefixCaching) => {
    const server = new SimulatedServer({ slots: 2, prefixCaching });
    const first = server.submit(promptOf(2000), 50);
    server.runToEnd();
    const said = first.sequence.tokens(0, first.sequence.length);
    const second = server.submit([...said, ...promptOf(20)], 50);
    server.runToEnd();
    expect(second.firstTokenAfter / first.firstTokenAfter < 0.1).toBe(prefixCaching);
  });
});

describe('thousands of requests that come, end and are cancelled at random', () => {
  /** Prompts of all lengths; some begin alike, some go on from where another ended. */
  class Arrivals {
    private readonly instructions: readonly number[][];
    private readonly ended: Sequence[] = [];

    constructor(private readonly random: Seeded) {
      this.instructions = [20, 150, 600].map(promptOf);
    }

    remember(sequence: Sequence): void {
      this.ended.push(sequence);
    }

    next(): number[] {
      const { random } = this;
      const rest = promptOf(random.chance(0.05) ? random.integer(500, 2000) : random.integer(1, 80));
      if (this.ended.length > 0 && random.chance(0.3)) {
        const before = random.pick(this.ended.slice(-10));
        return [...before.tokens(0, random.integer(0, before.length)), ...rest].slice(0, LONGEST_PROMPT);
      }
      return random.chance(0.3) ? [...random.pick(this.instructions), ...rest] : rest;
    }
  }

  interface Conditions extends SimulatedOptions {
    /** Milliseconds between two arrivals, on average. */
    readonly every: number;
    /** Share of all prompts' tokens that is reused at least. */
    readonly leastReused: number;
    readonly seed: number;
  }

  const REQUESTS = 500;
  const LONGEST_PROMPT = 2500;

  interface Run {
    readonly server: SimulatedServer;
    readonly requests: readonly SimulatedRequest[];
    readonly cancelled: ReadonlySet<SimulatedRequest>;
    /** What was seen that should not be. */
    readonly faults: readonly string[];
    readonly reused: number;
  }

  /** Whether the request has a reason to wait although a slot is free: another reads what its prompt begins with. */
  function waitsForPrefix(
    { sequence: { prompt, id } }: SimulatedRequest,
    running: readonly SimulatedRequest[],
  ): boolean {
    return running.some(({ sequence: other }) => {
      const shared = other.sharedWith(prompt, Math.min(other.prompt.length, prompt.length) - 1);
      return other.id < id && other.prefilling && shared >= LEAST_SHARED && shared > other.cached;
    });
  }

  /** What is wrong with who has a slot now and who has not. */
  function faultsOf(server: SimulatedServer, slots: number, admitted: readonly SimulatedRequest[]): string[] {
    const { running } = server;
    const waiting = [...server.open].filter(({ sequence }) => sequence.slot === undefined);
    const faults: string[] = [];
    const taken = new Set(running.map(({ sequence }) => sequence.slot as number));
    if (taken.size < running.length) faults.push('two sequences are in one slot');
    if ([...taken].some((slot) => slot < 0 || slot >= slots)) faults.push('there is no such slot');
    const free = slots - running.length;
    if (free === 0 && admitted.length === 0) return faults;
    const willing = waiting.filter((request) => !waitsForPrefix(request, running));
    if (willing.length > 0 && free > waiting.length - willing.length)
      faults.push('a slot stays free though somebody wants it');
    const last = Math.max(0, ...admitted.map(({ sequence }) => sequence.id));
    const passed = waiting.filter(({ sequence }) => sequence.id < last);
    if (passed.some((request) => willing.includes(request))) faults.push('somebody was overtaken');
    if (passed.length > free) faults.push('a slot was not kept for somebody who waits for a prefix');
    return faults;
  }

  function simulate({ every, seed, ...options }: Conditions): Run {
    const random = new Seeded(seed);
    const server = new SimulatedServer(options);
    const arrivals = new Arrivals(random);
    const requests: SimulatedRequest[] = [];
    const cancelled = new Set<SimulatedRequest>();
    const faults: string[] = [];
    let nextArrival = 0;
    while (requests.length < REQUESTS || server.open.size > 0) {
      for (; requests.length < REQUESTS && nextArrival <= server.time; nextArrival += 2 * every * random.next()) {
        requests.push(server.submit(arrivals.next(), random.integer(1, 60)));
      }
      if (server.open.size > 0 && random.chance(0.01)) {
        const request = random.pick([...server.open]);
        cancelled.add(request);
        server.end(request);
      }
      const open = [...server.open];
      const ran = server.step((admitted) => faults.push(...faultsOf(server, options.slots, admitted)));
      if (ran !== open.length > 0) faults.push('a step is run if, and only if, somebody is there');
      if (!ran) server.time = Math.max(server.time, nextArrival);
      for (const request of open) if (request.ended) arrivals.remember(request.sequence);
    }
    const reused = requests.reduce((sum, { sequence }) => sum + sequence.reused, 0);
    return { server, requests, cancelled, faults, reused };
  }

  describe.each<Conditions>([
    { slots: 1, every: 1000, leastReused: 0.02, seed: 301 },
    { slots: 4, every: 250, leastReused: 0.1, seed: 302 },
    { slots: 8, every: 100, leastReused: 0.2, seed: 303 },
    { slots: 8, every: 400, prefillChunk: 64, leastReused: 0.1, seed: 304 },
    { slots: 32, every: 60, leastReused: 0.3, seed: 305 },
    { slots: 8, every: 200, prefixCaching: false, leastReused: 0, seed: 306 },
  ])('with $slots slots, one every $every ms (seed $seed)', (conditions) => {
    let run: Run;
    beforeAll(() => (run = simulate(conditions)));

    it('every request ends with all its tokens, unless it was cancelled', () => {
      for (const request of run.requests) {
        if (run.cancelled.has(request)) expect(request.tokenTimes.length).toBeLessThan(request.wanted);
        else expect(request.tokenTimes).toHaveLength(request.wanted);
      }
      expect(run.server.idle).toBe(true);
    });

    it('slots are given in order of arrival, one to each, and none is left free while somebody wants it', () => {
      expect(run.faults).toEqual([]);
    });

    it('no slot leaks', () => {
      const requests = Array.from({ length: conditions.slots }, () => run.server.submit(promptOf(30), 2));
      run.server.step();
      expect(new Set(requests.map(({ sequence }) => sequence.slot)).size).toBe(conditions.slots);
      run.server.runToEnd();
    });

    it('each token of a prompt is computed once, or reused', () => {
      const finished = run.requests.filter((request) => !run.cancelled.has(request));
      for (const { sequence } of finished) expect(sequence.cached).toBe(sequence.length - 1);
      const prompts = run.requests.reduce((sum, { sequence }) => sum + sequence.prompt.length, 0);
      const share = run.reused / prompts;
      if (conditions.prefixCaching === false) expect(share).toBe(0);
      else expect(share).toBeGreaterThan(conditions.leastReused);
    });

    it('answers get at least half of the time while prompts are read', () => {
      const contended = run.server.steps.filter((step) => step.contended);
      const time = { prefill: 0, decode: 0 };
      for (const { step, elapsed } of contended) time[step.kind] += elapsed;
      if (conditions.slots === 1) return expect(time).toEqual({ prefill: 0, decode: 0 });
      expect(time.prefill).toBeGreaterThan(0);
      // Single turns at the ends of the times in which there is both cannot be balanced.
      expect(time.decode / (time.prefill + time.decode)).toBeGreaterThanOrEqual(0.5 - 0.02);
    });

    it('chunks that answers wait for are short', () => {
      const pauses = run.server.steps.filter(({ step, contended }) => contended && step.kind === 'prefill');
      expect(Math.max(...pauses.map(({ elapsed }) => elapsed))).toBeLessThanOrEqual(150);
    });
  });
});

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
