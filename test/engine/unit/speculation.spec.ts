import {
  GenerationLoop,
  type LoopEvent,
  type LoopRequest,
  type StepEvent,
} from '../../../src/engine/batching/generation-loop.js';
import type { StepBatch } from '../../../src/engine/runner/decoder-runner.js';
import { DEFAULT_SAMPLING, type SamplingParameters } from '../../../src/engine/sampling/sampling-parameters.js';
import { WindowDetokenizer } from '../../../src/engine/tokens/window-detokenizer.js';
import { byteLevelDecode } from './support/byte-decoder.js';
import { FakeNetwork, habitual, type FakeNetworkSize } from './support/fake-network.js';
import { Seeded } from './support/seeded.js';

const VOCABULARY = Array.from('abcdefghijklmnopqrstuvwxyz', (letter) => [letter.charCodeAt(0)]);
const EOS = VOCABULARY.length - 1;
const CHUNK = 8;
/** Its answers follow the habit always. */
const ALWAYS = 100;
/** Most of the time. */
const MOSTLY = 7;
const decode = byteLevelDecode(VOCABULARY);

interface Setting extends Partial<FakeNetworkSize> {
  readonly eosIds?: readonly number[];
}

interface Server {
  readonly loop: GenerationLoop;
  readonly network: FakeNetwork;
}

function serverOf(speculativeTokens: number, { eosIds = [EOS], ...size }: Setting = {}, Network = FakeNetwork): Server {
  const slots = size.slots ?? 1;
  const network = new Network({
    slots,
    capacity: 400,
    vocabSize: VOCABULARY.length,
    prefillChunk: CHUNK,
    habit: ALWAYS,
    speculativeTokens,
    ...size,
  });
  const createDetokenizer = (): WindowDetokenizer => new WindowDetokenizer(decode);
  let time = 0;
  const loop = new GenerationLoop(network, {
    slots,
    prefillChunk: CHUNK,
    prefixCaching: true,
    speculativeTokens,
    eosIds,
    createDetokenizer,
    bytesOf: (token) => [token],
    now: () => time++,
  });
  return { loop, network };
}

function requestOf(request: Partial<LoopRequest>): LoopRequest {
  return { id: 1, prompt: [1, 2, 3], maxNewTokens: 60, sampling: DEFAULT_SAMPLING, stop: [], ...request };
}

function runToEnd({ loop }: Server): LoopEvent[] {
  const events: LoopEvent[] = [];
  while (!loop.idle) events.push(...loop.step());
  return events;
}

function answerTo(server: Server, request: LoopRequest): StepEvent[] {
  server.loop.submit(request);
  return runToEnd(server) as StepEvent[];
}

/** The batches that take in a draft as well. */
function drafted({ network }: Server): StepBatch[] {
  return network.batches.filter(({ tokensPerRow, logitsRows }) => tokensPerRow > 1 && logitsRows.length > 1);
}

/** The tokens that follow one another by habit, until the first comes again. */
function cycleOf(start: number): number[] {
  const cycle = [start];
  for (let next = habitual(start, VOCABULARY.length); next !== start; next = habitual(next, VOCABULARY.length)) {
    cycle.push(next);
  }
  return cycle;
}

describe('an answer that says what was said before', () => {
  const CYCLE = cycleOf(1);
  const request = requestOf({ prompt: [1] });

  it('takes fewer steps, and is the same', () => {
    const [plain, speculative] = [serverOf(0), serverOf(8)];
    const expected = answerTo(plain, request);
    expect(answerTo(speculative, request)).toEqual(expected);
    expect(expected).toHaveLength(60);
    expect(drafted(plain)).toEqual([]);
    // Once round, two tokens to see where it is, and one to see that it goes on so.
    const sure = CYCLE.length + 3;
    expect(speculative.network.batches.length).toBeLessThan(sure + Math.ceil((60 - sure) / 9) + 3);
  });

  it('gives several events of one step, in order, the last of which ends it', () => {
    const { loop } = serverOf(8);
    loop.submit(request);
    const steps: LoopEvent[][] = [];
    while (!loop.idle) steps.push(loop.step());
    expect(Math.max(...steps.map((events) => events.length))).toBe(9);
    const events = steps.flat() as StepEvent[];
    expect(events.map(({ finish }) => finish?.reason)).toEqual([...new Array<undefined>(59).fill(undefined), 'length']);
  });

  it.each([1, 3, 16])('never has more than %i tokens drafted for a step', (most) => {
    const server = serverOf(most);
    answerTo(server, request);
    expect(Math.max(...drafted(server).map(({ tokensPerRow }) => tokensPerRow))).toBe(1 + most);
  });

  it.each([20, 21, 22, 23, 24, 25, 26, 27, 28])(
    'never writes beyond a slot that it fills: %i tokens',
    (maxNewTokens) => {
      const server = serverOf(8, { capacity: 1 + maxNewTokens });
      expect(answerTo(server, { ...request, maxNewTokens })).toHaveLength(maxNewTokens);
      expect(drafted(server).length).toBeGreaterThan(0);
    },
  );

  it('has room for a draft longer than the chunks of a prompt, and than there are slots', () => {
    const server = serverOf(16, { prefillChunk: 1 });
    expect(answerTo(server, { ...request, prompt: [1] })).toHaveLength(60);
    expect(drafted(server).length).toBeGreaterThan(0);
  });

  it('leaves behind for the next prompt what it said, and nothing of a wrong draft', () => {
    const server = serverOf(8, { habit: MOSTLY });
    const prompt = Array.from({ length: 30 }, (_, i) => CYCLE[i % CYCLE.length]);
    const first = answerTo(server, requestOf({ prompt, maxNewTokens: 100, ignoreEos: true }));
    const conversation = [...prompt, ...first.map(({ token }) => token as number)];
    const next = requestOf({ id: 2, prompt: [...conversation, 4, 4], maxNewTokens: 30 });
    const second = answerTo(server, next);
    expect(second[0].cachedTokens).toBe(conversation.length - 1);
    const withoutReuse = answerTo(serverOf(0, { habit: MOSTLY }), next);
    expect(second.map(({ token }) => token)).toEqual(withoutReuse.map(({ token }) => token));
  });

  it('is drafted only while it runs alone', () => {
    const server = serverOf(8, { slots: 2 });
    server.loop.submit(request);
    for (let step = 0; step < 30; step++) server.loop.step();
    const before = drafted(server).length;
    expect(before).toBeGreaterThan(0);
    server.loop.submit(requestOf({ id: 2, prompt: [2], maxNewTokens: 200 }));
    server.loop.submit(requestOf({ id: 3, prompt: [3], maxNewTokens: 200 }));
    for (let step = 0; step < 50; step++) server.loop.step();
    expect(drafted(server).length).toBe(before);
    server.loop.cancel(2);
    runToEnd(server);
    expect(drafted(server).length).toBeGreaterThan(before);
  });

  it('that fails in the middle of a draft has given out what came before', () => {
    class BrokenNetwork extends FakeNetwork {
      override step(batch: StepBatch): Float32Array {
        const logits = super.step(batch);
        if (batch.logitsRows.length > 4) logits.fill(NaN, 2 * this.vocabSize, 3 * this.vocabSize);
        return logits;
      }
    }
    const expected = answerTo(serverOf(0), request);
    const server = serverOf(8, {}, BrokenNetwork);
    server.loop.submit(request);
    const events = runToEnd(server);
    expect(events.slice(0, -1)).toEqual(expected.slice(0, events.length - 1));
    expect(events.at(-1)).toMatchObject({ id: 1, error: { code: 'runtime_failed' } });
    const [{ cachedTokens }] = answerTo(server, requestOf({ id: 2, prompt: [...CYCLE, ...CYCLE], maxNewTokens: 1 }));
    expect(cachedTokens).toBe(0);
  });
});

describe('an answer that never repeats', () => {
  it('is hardly ever drafted', () => {
    const server = serverOf(16, { habit: 0, eosIds: [] });
    const events = answerTo(server, requestOf({ prompt: [5], maxNewTokens: 300 }));
    expect(events).toHaveLength(300);
    const tokens = drafted(server).reduce((sum, { tokensPerRow }) => sum + tokensPerRow - 1, 0);
    expect(tokens).toBeLessThan(30);
  });
});

describe('hundreds of random requests', () => {
  const SAMPLED: SamplingParameters = { ...DEFAULT_SAMPLING, doSample: true };
  const SAMPLINGS: readonly SamplingParameters[] = [
    DEFAULT_SAMPLING,
    { ...DEFAULT_SAMPLING, repetitionPenalty: 1.1 },
    { ...DEFAULT_SAMPLING, frequencyPenalty: 0.05, presencePenalty: 0.2, logitBias: new Map([[3, 1]]) },
    SAMPLED,
    { ...SAMPLED, temperature: 0.5, topK: 5 },
    { ...SAMPLED, topP: 0.9, minP: 0.01, frequencyPenalty: 0.02 },
  ];

  function randomRequest(random: Seeded, id: number): LoopRequest {
    const prompt: number[] = [];
    for (let left = random.integer(1, 40); left > 0; left--) {
      const [last] = prompt.slice(-1);
      const usual = last !== undefined && random.chance(0.8);
      prompt.push(usual ? habitual(last, VOCABULARY.length) : random.integer(0, EOS));
    }
    return {
      id,
      prompt: Int32Array.from(prompt),
      maxNewTokens: random.integer(1, 80),
      sampling: random.pick(SAMPLINGS),
      seed: random.integer(0, 2 ** 32),
      stop: random.chance(0.2) ? [random.pick(['ab', 'qw', 'zz', 'hi'])] : [],
      stopTokenIds: random.chance(0.1) ? [random.integer(0, EOS)] : [],
      minTokens: random.chance(0.3) ? random.integer(0, 40) : 0,
      ignoreEos: random.chance(0.5),
      ...(random.chance(0.3) && { logprobs: random.integer(0, 5) }),
    };
  }

  function withoutCached(event: LoopEvent): object {
    return Object.fromEntries(Object.entries(event).filter(([key]) => key !== 'cachedTokens'));
  }

  it.each([
    { slots: 1, rate: 0.1, speculativeTokens: 1, seed: 301 },
    { slots: 1, rate: 0.1, speculativeTokens: 4, seed: 302 },
    { slots: 3, rate: 0.02, speculativeTokens: 8, seed: 303 },
    { slots: 4, rate: 0.05, speculativeTokens: 16, seed: 304 },
  ])(
    'have the answers that they have without, in $slots slots, with $speculativeTokens tokens drafted',
    ({ slots, rate, speculativeTokens, seed }) => {
      const random = new Seeded(seed);
      const server = serverOf(speculativeTokens, { slots, habit: MOSTLY });
      const requests: LoopRequest[] = [];
      const events: LoopEvent[] = [];
      const cancelled = new Set<number>();
      while (requests.length < 150 || !server.loop.idle) {
        if (requests.length < 150 && (server.loop.idle || random.chance(rate))) {
          const request = randomRequest(random, requests.length);
          requests.push(request);
          server.loop.submit(request);
        }
        if (random.chance(0.01)) {
          const { id } = random.pick(requests);
          cancelled.add(id);
          server.loop.cancel(id);
        }
        events.push(...server.loop.step());
      }
      for (const request of requests) {
        const given = events.filter(({ id }) => id === request.id).map(withoutCached);
        const expected = answerTo(serverOf(0, { habit: MOSTLY }), request).map(withoutCached);
        expect(given).toEqual(cancelled.has(request.id) ? expected.slice(0, given.length) : expected);
      }
      const tokens = drafted(server).reduce((sum, { tokensPerRow }) => sum + tokensPerRow - 1, 0);
      expect(tokens).toBeGreaterThan(200);
    },
  );
});
