import {
  GenerationLoop,
  type LoopEvent,
  type LoopRequest,
  type StepEvent,
} from '../../../src/engine/batching/generation-loop.js';
import { LEAST_SHARED } from '../../../src/engine/batching/slots.js';
import type { StepBatch } from '../../../src/engine/runner/decoder-runner.js';
import { argmax } from '../../../src/engine/sampling/argmax.js';
import { DEFAULT_SAMPLING, type SamplingParameters } from '../../../src/engine/sampling/sampling-parameters.js';
import { WindowDetokenizer } from '../../../src/engine/tokens/window-detokenizer.js';
import { byteLevelDecode } from './support/byte-decoder.js';
import { FakeNetwork, type FakeNetworkSize, logitsAfter } from './support/fake-network.js';
import { Seeded } from './support/seeded.js';

/** Letters, the bytes of an emoji, and an end-of-sequence token that must never be seen. */
const EOS = 40;
const VOCABULARY = [
  ...Array.from('abcdefghijklmnopqrstuvwxyzabcdefghij', (letter) => [letter.charCodeAt(0)]),
  [0xf0],
  [0x9f],
  [0x98],
  [0x80],
  [...'EOS'].map((letter) => letter.charCodeAt(0)),
];
const decode = byteLevelDecode(VOCABULARY);
const bytesOf = (token: number): readonly number[] => VOCABULARY[token];

function networkOf(size: Partial<FakeNetworkSize> = {}): FakeNetwork {
  return new FakeNetwork({ slots: 4, capacity: 200, prefillChunk: 8, vocabSize: VOCABULARY.length, ...size });
}

/** Every step takes a millisecond. */
function loopOf(network: FakeNetwork, slots = 4, prefillChunk = 8, prefixCaching = true): GenerationLoop {
  let time = 0;
  const now = (): number => time++;
  const createDetokenizer = (): WindowDetokenizer => new WindowDetokenizer(decode);
  return new GenerationLoop(network, {
    slots,
    prefillChunk,
    prefixCaching,
    eosIds: [EOS],
    createDetokenizer,
    bytesOf,
    now,
  });
}

function requestOf(request: Partial<LoopRequest>): LoopRequest {
  return { id: 1, prompt: [1, 2, 3], maxNewTokens: 10, sampling: DEFAULT_SAMPLING, stop: [], ...request };
}

type AnswerEvent = Omit<StepEvent, 'cachedTokens'>;

/** What an event says of the answer, which is the same however it was computed. */
function answerPart(event: StepEvent): AnswerEvent {
  return Object.fromEntries(Object.entries(event).filter(([key]) => key !== 'cachedTokens')) as unknown as AnswerEvent;
}

/** The events of a request that has the network to itself, and its whole prompt read at once. */
function alone(request: LoopRequest): AnswerEvent[] {
  const network = networkOf({ slots: 1, prefillChunk: 200 });
  const loop = loopOf(network, 1, 200);
  loop.submit(request);
  return runToEnd(loop).map(answerPart);
}

function runToEnd(loop: GenerationLoop): StepEvent[] {
  const events: StepEvent[] = [];
  for (let step = 0; !loop.idle; step++) {
    if (step > 10_000) throw new Error('the loop does not end');
    events.push(...answered(loop.step()));
  }
  return events;
}

/** Events of a step in which no request failed. */
function answered(events: readonly LoopEvent[]): StepEvent[] {
  return events.map((event) => {
    if ('error' in event) throw new Error(`request ${event.id} failed: ${event.error.message}`);
    return event;
  });
}

function eventsOf(events: readonly StepEvent[], id: number): AnswerEvent[] {
  return events.filter((event) => event.id === id).map(answerPart);
}

function tokensOf(events: readonly AnswerEvent[]): number[] {
  return events.map(({ token }) => token);
}

/** What the network would say next, each token given everything before it. */
function greedyTokens(prompt: readonly number[], count: number): number[] {
  const tokens = [...prompt];
  while (tokens.length < prompt.length + count && tokens.at(-1) !== EOS) {
    tokens.push(argmax(logitsAfter(tokens, VOCABULARY.length)));
  }
  return tokens.slice(prompt.length);
}

describe('one request', () => {
  it.each([1, 2, 3, 4, 5, 8])('gives the tokens that the network wants, its prompt read in chunks of %i', (chunk) => {
    const prompt = [5, 4, 3, 2, 1];
    const loop = loopOf(networkOf({ prefillChunk: chunk }), 4, chunk);
    loop.submit(requestOf({ prompt, maxNewTokens: 20 }));
    expect(tokensOf(runToEnd(loop))).toEqual(greedyTokens(prompt, 20));
  });

  it('gives an event for every step but those that read only a part of the prompt', () => {
    const loop = loopOf(networkOf(), 4, 2);
    loop.submit(requestOf({ prompt: [1, 2, 3, 4, 5], maxNewTokens: 3 }));
    const counts = Array.from({ length: 5 }, () => loop.step().length);
    expect(counts).toEqual([0, 0, 1, 1, 1]);
    expect(loop.idle).toBe(true);
  });

  it('asks for logits only of what a token is chosen from', () => {
    const network = networkOf();
    const loop = loopOf(network, 4, 2);
    loop.submit(requestOf({ prompt: [1, 2, 3, 4, 5], maxNewTokens: 2 }));
    runToEnd(loop);
    expect(network.batches.map(({ logitsRows }) => logitsRows)).toEqual([[], [], [0], [0]]);
  });

  it('reads no more than the last token again in each step of the answer', () => {
    const network = networkOf();
    const loop = loopOf(network);
    loop.submit(requestOf({ prompt: [1, 2, 3], maxNewTokens: 3 }));
    const [first, second] = tokensOf(runToEnd(loop));
    expect(network.batches.map(({ tokens, cached }) => ({ tokens, cached }))).toEqual([
      { tokens: [1, 2, 3], cached: [0] },
      { tokens: [first], cached: [3] },
      { tokens: [second], cached: [4] },
    ]);
  });

  it('of one token ends with the step that reads its prompt', () => {
    const loop = loopOf(networkOf());
    loop.submit(requestOf({ maxNewTokens: 1 }));
    const events = loop.step();
    expect(events).toMatchObject([{ id: 1, finish: { reason: 'length' } }]);
    expect(loop.idle).toBe(true);
  });

  it('may fill its slot to the last position', () => {
    const network = networkOf({ capacity: 12 });
    const loop = loopOf(network);
    loop.submit(requestOf({ prompt: [1, 2], maxNewTokens: 10 }));
    expect(tokensOf(runToEnd(loop))).toEqual(greedyTokens([1, 2], 10));
  });

  it('is sampled as it asks, its prompt counted in the repetition penalty', () => {
    // The prompt is most of the vocabulary; the penalty leaves its tokens no chance against the others.
    const prompt = Array.from({ length: 30 }, (_, id) => id);
    const sampling = { ...DEFAULT_SAMPLING, repetitionPenalty: 1e6 };
    const loop = loopOf(networkOf());
    loop.submit(requestOf({ prompt, sampling, maxNewTokens: 4 }));
    expect(Math.min(...tokensOf(runToEnd(loop)))).toBeGreaterThanOrEqual(30);
  });

  it('draws the same answer again with the same seed', () => {
    const sampling = { ...DEFAULT_SAMPLING, doSample: true };
    const answer = (seed: number): number[] => tokensOf(alone(requestOf({ sampling, seed, maxNewTokens: 10 })));
    expect(answer(1)).toEqual(answer(1));
    expect(answer(1)).not.toEqual(answer(2));
  });

  it('needs no step when there is none', () => {
    const loop = loopOf(networkOf());
    expect(loop.idle).toBe(true);
    expect(loop.step()).toEqual([]);
  });
});

describe('a request ends', () => {
  /** A prompt after which the model ends the answer by itself, within so many tokens. */
  function promptThatEnds(): number[] {
    const prompts = Array.from({ length: 500 }, (_, i) => [i % 36, Math.floor(i / 36), 7]);
    const found = prompts.find((prompt) => {
      const tokens = greedyTokens(prompt, 10);
      return tokens.length > 2 && tokens.at(-1) === EOS;
    });
    if (!found) throw new Error('no prompt of the fake network ends soon');
    return found;
  }

  it('with eos when the model says so: the token counts, and is not in the text', () => {
    const prompt = promptThatEnds();
    const events = alone(requestOf({ prompt, maxNewTokens: 50 }));
    expect(events.at(-1)).toMatchObject({ token: EOS, finish: { reason: 'eos' } });
    expect(tokensOf(events)).toEqual(greedyTokens(prompt, 50));
    expect(events.map(({ text }) => text).join('')).toBe(decode(tokensOf(events).slice(0, -1)));
  });

  it('with length when it has all its tokens', () => {
    const events = alone(requestOf({ prompt: promptThatEnds(), maxNewTokens: 2 }));
    expect(events).toHaveLength(2);
    expect(events.map(({ finish }) => finish?.reason)).toEqual([undefined, 'length']);
  });

  it('with stop_string when one appears', () => {
    const prompt = promptThatEnds();
    const text = alone(requestOf({ prompt }))
      .map((event) => event.text)
      .join('');
    const stop = text.slice(1, 2);
    const events = alone(requestOf({ prompt, stop: [stop] }));
    expect(events.at(-1)?.finish).toEqual({ reason: 'stop_string', stopString: stop });
    expect(events.map((event) => event.text).join('')).toBe(text.slice(0, text.indexOf(stop)));
  });

  it('never with an event after its last', () => {
    const loop = loopOf(networkOf());
    loop.submit(requestOf({ maxNewTokens: 2 }));
    loop.submit(requestOf({ id: 2, maxNewTokens: 9, prompt: [9, 9] }));
    const events = eventsOf(runToEnd(loop), 1);
    expect(events.map(({ finish }) => finish !== undefined)).toEqual([false, true]);
  });
});

describe('several requests', () => {
  it('run in one batch, each as if it were alone', () => {
    const network = networkOf();
    const loop = loopOf(network);
    const requests = [1, 2, 3, 4].map((id) => requestOf({ id, prompt: [id, id + 3], maxNewTokens: 8 + id }));
    for (const request of requests) loop.submit(request);
    const events = runToEnd(loop);
    for (const request of requests) expect(eventsOf(events, request.id)).toEqual(alone(request));
    expect(Math.max(...network.batches.map(({ logitsRows }) => logitsRows.length))).toBe(4);
  });

  it('are admitted in the order in which they came', () => {
    const loop = loopOf(networkOf({ slots: 2 }), 2);
    const ids = [5, 3, 9, 1, 7, 2];
    for (const id of ids) loop.submit(requestOf({ id, prompt: [id], maxNewTokens: id }));
    const firsts = [...new Set(runToEnd(loop).map((event) => event.id))];
    expect(firsts).toEqual(ids);
  });

  it('go on while a long prompt is read: every other step is theirs', () => {
    const loop = loopOf(networkOf({ prefillChunk: 4 }), 4, 4);
    loop.submit(requestOf({ id: 1, prompt: [1], maxNewTokens: 30 }));
    loop.step();
    loop.step();
    loop.submit(requestOf({ id: 2, prompt: new Array<number>(20).fill(3), maxNewTokens: 30 }));
    const steps = Array.from({ length: 10 }, () => loop.step().map(({ id }) => id));
    expect(steps).toEqual([[], [1], [], [1], [], [1], [], [1], [2], [1, 2]]);
  });

  it('never have more of a prompt read at once than the limit', () => {
    const network = networkOf();
    const loop = loopOf(network, 4, 5);
    for (const id of [1, 2, 3]) loop.submit(requestOf({ id, prompt: new Array<number>(7 * id).fill(id) }));
    runToEnd(loop);
    expect(Math.max(...network.batches.map(({ tokensPerRow }) => tokensPerRow))).toBe(5);
  });
});

describe('a prompt that begins like one before', () => {
  const CONVERSATION = Array.from({ length: 40 }, (_, i) => (i * 7) % EOS);

  /** How many tokens were computed to read prompts, idle rows and answers left out. */
  function prefilled(network: FakeNetwork): number {
    return network.batches.reduce((sum, { tokensPerRow }) => sum + (tokensPerRow > 1 ? tokensPerRow : 0), 0);
  }

  it('is computed from where they differ, and says how much was cached', () => {
    const network = networkOf();
    const loop = loopOf(network);
    loop.submit(requestOf({ id: 1, prompt: CONVERSATION, maxNewTokens: 5 }));
    const first = runToEnd(loop);
    const next = requestOf({ id: 2, prompt: [...CONVERSATION, ...tokensOf(first), 1, 2, 3], maxNewTokens: 5 });
    const before = prefilled(network);
    loop.submit(next);
    const second = runToEnd(loop);
    expect(first.map(({ cachedTokens }) => cachedTokens)).toEqual([0, 0, 0, 0, 0]);
    // The last token of an answer was chosen, but not computed with.
    expect(second[0].cachedTokens).toBe(CONVERSATION.length + first.length - 1);
    expect(second.map(answerPart)).toEqual(alone(next));
    expect(prefilled(network) - before).toBe(4);
  });

  it('is computed as a whole when prompts share nothing', () => {
    const network = networkOf();
    const loop = loopOf(network, 4, 8, false);
    for (const id of [1, 2]) {
      loop.submit(requestOf({ id, prompt: CONVERSATION, maxNewTokens: 3 }));
      expect(runToEnd(loop)[0].cachedTokens).toBe(0);
    }
    expect(prefilled(network)).toBe(2 * CONVERSATION.length);
  });

  it.each([2, 4, 7])('at the same time, %i times, is read once', (count) => {
    const network = networkOf({ slots: 8 });
    const loop = loopOf(network, 8);
    const requests = Array.from({ length: count }, (_, id) =>
      requestOf({ id, prompt: CONVERSATION, seed: id, sampling: { ...DEFAULT_SAMPLING, doSample: true } }),
    );
    for (const request of requests) loop.submit(request);
    const events = runToEnd(loop);
    for (const request of requests) expect(eventsOf(events, request.id)).toEqual(alone(request));
    // The others have only the last token left, which is a row of a step that decodes.
    expect(prefilled(network)).toBe(CONVERSATION.length);
    expect(network.moves.filter(({ kind }) => kind === 'copy')).toHaveLength(count - 1);
    expect(events.find(({ id }) => id === count - 1)?.cachedTokens).toBe(CONVERSATION.length - 1);
  });

  it('is not lost to an idle row, though its slot lies between two answers', () => {
    const network = networkOf({ slots: 3, capacity: 45 });
    const loop = loopOf(network, 3);
    const [a, b, c] = [0, 1, 2].map((id) => requestOf({ id, prompt: [id, ...CONVERSATION.slice(0, 30)] }));
    // The first fills its slot but for one token.
    loop.submit({ ...a, maxNewTokens: 14 });
    loop.submit({ ...b, maxNewTokens: 2 });
    loop.submit({ ...c, maxNewTokens: 14 });
    runToEnd(loop);
    const again = { ...b, id: 9 };
    loop.submit(again);
    const events = runToEnd(loop);
    expect(events[0].cachedTokens).toBe(30);
    expect(events.map(answerPart)).toEqual(alone(again));
  });

  it('does not wait for one that was cancelled', () => {
    const network = networkOf({ prefillChunk: 16 });
    const loop = loopOf(network, 4, 16);
    const [first, second, third] = [1, 2, 3].map((id) => requestOf({ id, prompt: CONVERSATION, maxNewTokens: 4 }));
    for (const request of [first, second, third]) loop.submit(request);
    loop.step();
    loop.cancel(1);
    const events = runToEnd(loop);
    for (const request of [second, third]) expect(eventsOf(events, request.id)).toEqual(alone(request));
    // What had been read of it is of use all the same, and the third waits for the second instead.
    expect(prefilled(network)).toBe(CONVERSATION.length);
  });
});

describe('a hole between answers', () => {
  it('is filled by the last of them before long', () => {
    const network = networkOf({ slots: 8 });
    const loop = loopOf(network, 8);
    const requests = Array.from({ length: 36 }, (_, id) => requestOf({ id, prompt: [id, 7], maxNewTokens: 60 }))
      .filter(({ prompt }) => greedyTokens(Array.from(prompt), 30).length === 30)
      .slice(0, 8)
      .map((request, id) => ({ ...request, id }));
    for (const request of requests) loop.submit(request);
    for (let i = 0; i < 20; i++) loop.step();
    for (const id of [1, 2, 3, 4, 5]) loop.cancel(id);
    const events = runToEnd(loop);
    for (const { id } of [requests[0], requests[6], requests[7]]) {
      const answer = eventsOf(events, id);
      expect(answer).toEqual(alone(requests[id]).slice(-answer.length));
    }
    expect(network.moves.slice(0, 2).map(({ from, to }) => [from, to])).toEqual([
      [7, 1],
      [6, 2],
    ]);
  });
});

describe('a request that is cancelled', () => {
  it('while it waits is never run', () => {
    const loop = loopOf(networkOf({ slots: 1 }), 1);
    loop.submit(requestOf({ id: 1, maxNewTokens: 2 }));
    loop.submit(requestOf({ id: 2 }));
    loop.submit(requestOf({ id: 3, prompt: [8], maxNewTokens: 1 }));
    loop.step();
    loop.cancel(2);
    expect(runToEnd(loop).map(({ id }) => id)).toEqual([1, 3]);
  });

  it.each([
    ['while its prompt is read', 1],
    ['while its answer runs', 5],
  ])('%s leaves its slot to the next step', (_, steps) => {
    const network = networkOf({ slots: 1 });
    const loop = loopOf(network, 1, 2);
    loop.submit(requestOf({ id: 1, prompt: [1, 2, 3, 4, 5] }));
    const second = requestOf({ id: 2, prompt: [6, 7], maxNewTokens: 4 });
    loop.submit(second);
    for (let i = 0; i < steps; i++) loop.step();
    loop.cancel(1);
    expect(runToEnd(loop).map(answerPart)).toEqual(alone(second));
    expect(network.batches[steps]).toMatchObject({ firstSlot: 0, tokens: [6, 7], cached: [0] });
  });

  it('is forgotten: cancelling it again, or one that ended or never was, does nothing', () => {
    const loop = loopOf(networkOf({ slots: 1 }), 1);
    loop.submit(requestOf({ id: 1, maxNewTokens: 1 }));
    loop.submit(requestOf({ id: 2, prompt: [4], maxNewTokens: 3 }));
    loop.step();
    for (const id of [1, 1, 99]) loop.cancel(id);
    expect(runToEnd(loop).map(answerPart)).toEqual(alone(requestOf({ id: 2, prompt: [4], maxNewTokens: 3 })));
  });

  it('leaves the loop idle when it was the last', () => {
    const loop = loopOf(networkOf());
    loop.submit(requestOf({}));
    loop.step();
    loop.cancel(1);
    expect(loop.idle).toBe(true);
    expect(loop.step()).toEqual([]);
  });
});

describe('a request whose next token cannot be chosen', () => {
  /** A network that gives no numbers to whoever has this token at the end. */
  class BrokenNetwork extends FakeNetwork {
    constructor(
      slots: number,
      private readonly poison: number,
    ) {
      super({ slots, capacity: 200, prefillChunk: 8, vocabSize: VOCABULARY.length });
    }

    override step(batch: StepBatch): Float32Array {
      const logits = super.step(batch);
      batch.logitsRows.forEach((row, i) => {
        if (batch.tokens[row] !== this.poison) return;
        logits.fill(NaN, i * this.vocabSize, (i + 1) * this.vocabSize);
      });
      return logits;
    }
  }

  /** The last token of the prompt. */
  const POISON = 39;

  it('ends with an error, and no other does', () => {
    const loop = loopOf(new BrokenNetwork(4, POISON));
    const healthy = [1, 2].map((id) => requestOf({ id, prompt: [id, id + 4] }));
    const expected = healthy.map(alone);
    expect(expected.flat().every(({ token }) => token !== POISON)).toBe(true);
    loop.submit(healthy[0]);
    loop.submit(requestOf({ id: 9, prompt: [1, POISON] }));
    loop.submit(healthy[1]);
    const events: LoopEvent[] = [];
    while (!loop.idle) events.push(...loop.step());
    expect(events.filter(({ id }) => id === 9)).toEqual([
      { id: 9, error: { code: 'runtime_failed', message: expect.stringContaining('not a number') as string } },
    ]);
    healthy.forEach(({ id }, i) =>
      expect(eventsOf(answered(events.filter((event) => event.id === id)), id)).toEqual(expected[i]),
    );
  });

  it('leaves its slot to the next, which gets what it would get alone', () => {
    const loop = loopOf(new BrokenNetwork(1, POISON), 1);
    const next = requestOf({ id: 2, prompt: [6, 7], maxNewTokens: 4 });
    loop.submit(requestOf({ id: 1, prompt: [POISON] }));
    loop.submit(next);
    expect(loop.step()).toMatchObject([{ id: 1, error: { code: 'runtime_failed' } }]);
    expect(runToEnd(loop).map(answerPart)).toEqual(alone(next));
  });

  it('leaves nothing behind that another would take over', () => {
    const loop = loopOf(new BrokenNetwork(4, POISON));
    const prefix = Array.from({ length: 2 * LEAST_SHARED }, (_, i) => i % 5);
    loop.submit(requestOf({ id: 1, prompt: [...prefix, POISON] }));
    while (!loop.idle) loop.step();
    loop.submit(requestOf({ id: 2, prompt: [...prefix, 6] }));
    const cached = new Set(runToEnd(loop).map(({ cachedTokens }) => cachedTokens));
    expect([...cached]).toEqual([0]);
  });

  it('in the middle of its answer has given out what came before', () => {
    const request = requestOf({ prompt: [1, 2, 3], maxNewTokens: 10 });
    const expected = alone(request);
    const poison = expected[4].token;
    const first = expected.findIndex(({ token }) => token === poison);
    const loop = loopOf(new BrokenNetwork(4, poison));
    loop.submit(request);
    const events: LoopEvent[] = [];
    while (!loop.idle) events.push(...loop.step());
    expect(answered(events.slice(0, -1)).map(answerPart)).toEqual(expected.slice(0, first + 1));
    expect(events.at(-1)).toHaveProperty('error');
  });

  it('may fail for any other reason, with that', () => {
    const createDetokenizer = () => ({
      push: () => {
        throw new Error('no such character');
      },
      flush: () => '',
    });
    const options = { slots: 4, prefillChunk: 8, prefixCaching: true, eosIds: [EOS], createDetokenizer, bytesOf };
    const loop = new GenerationLoop(networkOf(), options);
    loop.submit(requestOf({ id: 3 }));
    expect(loop.step()).toEqual([{ id: 3, error: { code: 'runtime_failed', message: 'no such character' } }]);
    expect(loop.idle).toBe(true);
  });
});

describe('a request for log probabilities of its prompt', () => {
  const PROMPT = Array.from({ length: 70 }, (_, i) => (7 * i + 3) % EOS);

  function logprobOf(tokens: readonly number[], token: number): number {
    const logits = logitsAfter(tokens, VOCABULARY.length);
    return logits[token] - Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0));
  }

  it.each([1, 7, 8, 64, 200])(
    'has them of all tokens but the first, its prompt read in chunks of %i',
    (prefillChunk) => {
      const loop = loopOf(networkOf({ prefillChunk }), 4, prefillChunk);
      loop.submit(requestOf({ prompt: PROMPT, promptLogprobs: 2, maxNewTokens: 3 }));
      const [first, ...others] = runToEnd(loop);
      expect(first.promptLogprobs?.map(({ token }) => token)).toEqual(PROMPT.slice(1));
      first.promptLogprobs?.forEach(({ token, logprob, top }, i) => {
        expect(logprob).toBeCloseTo(logprobOf(PROMPT.slice(0, i + 1), token), 5);
        expect(top).toHaveLength(2);
      });
      for (const { promptLogprobs } of others) expect(promptLogprobs).toBeUndefined();
    },
  );

  it('has none for a prompt of one token', () => {
    const loop = loopOf(networkOf());
    loop.submit(requestOf({ prompt: [3], promptLogprobs: 2, maxNewTokens: 1 }));
    expect(runToEnd(loop)).toMatchObject([{ promptLogprobs: [] }]);
  });

  it('computes what is in the cache, and what another is reading', () => {
    const loop = loopOf(networkOf());
    loop.submit(requestOf({ id: 1, prompt: PROMPT }));
    loop.submit(requestOf({ id: 2, prompt: PROMPT, promptLogprobs: 0 }));
    const together = runToEnd(loop);
    loop.submit(requestOf({ id: 3, prompt: PROMPT, promptLogprobs: 0 }));
    const after = runToEnd(loop);
    for (const event of [...eventsIn(together, 2), ...after]) expect(event.cachedTokens).toBe(0);
    expect(after[0].promptLogprobs).toHaveLength(PROMPT.length - 1);
    expect(eventsIn(together, 2)[0].promptLogprobs).toEqual(after[0].promptLogprobs);
  });

  it('leaves a prompt in the cache that others go on from', () => {
    const loop = loopOf(networkOf());
    loop.submit(requestOf({ prompt: PROMPT, promptLogprobs: 0 }));
    runToEnd(loop);
    loop.submit(requestOf({ prompt: PROMPT }));
    expect(runToEnd(loop)[0].cachedTokens).toBe(PROMPT.length - 1);
  });

  it('fails alone when the logits are no numbers', () => {
    const network = networkOf();
    const loop = loopOf(network);
    const step = network.step.bind(network);
    network.step = (batch) => (batch.tokensPerRow > 1 ? step(batch).fill(NaN) : step(batch));
    loop.submit(requestOf({ id: 1, prompt: [5], maxNewTokens: 4 }));
    loop.submit(requestOf({ id: 2, prompt: PROMPT, promptLogprobs: 0 }));
    const events: LoopEvent[] = [];
    while (!loop.idle) events.push(...loop.step());
    expect(events.filter(({ id }) => id === 2)).toMatchObject([{ error: { code: 'runtime_failed' } }]);
    expect(events.filter(({ id }) => id === 1)).toHaveLength(4);
  });

  function eventsIn(events: readonly StepEvent[], id: number): StepEvent[] {
    return events.filter((event) => event.id === id);
  }
});

describe('hundreds of requests that come and are cancelled at random', () => {
  const SAMPLED: SamplingParameters = { ...DEFAULT_SAMPLING, doSample: true };
  const SAMPLINGS: readonly SamplingParameters[] = [
    DEFAULT_SAMPLING,
    { ...DEFAULT_SAMPLING, repetitionPenalty: 1.5 },
    SAMPLED,
    { ...SAMPLED, temperature: 0.5, topK: 5 },
    { ...SAMPLED, topP: 0.8, minP: 0.05, repetitionPenalty: 1.2 },
  ];
  const LONGEST_PROMPT = 60;
  const LONGEST_ANSWER = 25;

  /** Half of them begin like one before. */
  function randomPrompt(random: Seeded, before: readonly LoopRequest[]): Int32Array {
    const other = before.length > 0 && random.chance(0.5) ? Array.from(random.pick(before.slice(-10)).prompt) : [];
    const shared = other.slice(0, random.integer(0, LONGEST_PROMPT - 1));
    const rest = random.list(random.integer(1, LONGEST_PROMPT - shared.length), () => random.integer(0, EOS));
    return Int32Array.from([...shared, ...rest]);
  }

  function randomRequest(random: Seeded, id: number, before: readonly LoopRequest[]): LoopRequest {
    return {
      id,
      prompt: randomPrompt(random, before),
      maxNewTokens: random.integer(1, LONGEST_ANSWER),
      sampling: random.pick(SAMPLINGS),
      seed: random.integer(0, 2 ** 32),
      stop: random.chance(0.3) ? [random.pick(['ab', 'q', 'zz', '\u{1F600}', 'hi'])] : [],
      promptLogprobs: random.chance(0.1) ? random.integer(0, 3) : undefined,
    };
  }

  interface Conditions {
    readonly slots: number;
    readonly chunk: number;
    /** Requests that come in one step, on average: how crowded it is. */
    readonly rate: number;
    readonly prefixCaching: boolean;
    readonly seed: number;
  }

  interface Run {
    readonly requests: readonly LoopRequest[];
    readonly events: readonly StepEvent[];
    /** In what state requests were cancelled. */
    readonly cancelled: ReadonlyMap<number, 'waiting or prefilling' | 'decoding'>;
    readonly network: FakeNetwork;
  }

  function simulate({ slots, chunk: prefillChunk, rate: arrivalRate, prefixCaching, seed }: Conditions): Run {
    const random = new Seeded(seed);
    const network = networkOf({ slots, prefillChunk, capacity: LONGEST_PROMPT + LONGEST_ANSWER });
    const loop = loopOf(network, slots, prefillChunk, prefixCaching);
    const requests: LoopRequest[] = [];
    const events: StepEvent[] = [];
    const open = new Set<number>();
    const cancelled = new Map<number, 'waiting or prefilling' | 'decoding'>();
    for (let step = 0; requests.length < 250 || open.size > 0; step++) {
      if (step > 100_000) throw new Error(`requests ${[...open].join(', ')} do not end`);
      while (requests.length < 250 && random.chance(arrivalRate / (1 + arrivalRate))) {
        const request = randomRequest(random, requests.length, requests);
        requests.push(request);
        open.add(request.id);
        loop.submit(request);
      }
      if (open.size > 0 && random.chance(0.04)) {
        const id = random.pick([...open]);
        cancelled.set(id, events.some((event) => event.id === id) ? 'decoding' : 'waiting or prefilling');
        open.delete(id);
        loop.cancel(id);
      }
      for (const event of answered(loop.step())) {
        if (!open.has(event.id)) throw new Error(`an event of request ${event.id}, which has ended`);
        if (event.finish) open.delete(event.id);
        events.push(event);
      }
      expect(loop.idle).toBe(open.size === 0);
    }
    return { requests, events, cancelled, network };
  }

  describe.each<Conditions>([
    { slots: 1, chunk: 4, rate: 0.2, prefixCaching: true, seed: 209 },
    { slots: 2, chunk: 1, rate: 0.3, prefixCaching: true, seed: 202 },
    { slots: 3, chunk: 7, rate: 0.1, prefixCaching: true, seed: 203 },
    { slots: 5, chunk: 3, rate: 1, prefixCaching: false, seed: 204 },
    { slots: 8, chunk: 5, rate: 0.5, prefixCaching: true, seed: 205 },
    { slots: 8, chunk: 64, rate: 5, prefixCaching: true, seed: 206 },
    { slots: 32, chunk: 16, rate: 1, prefixCaching: true, seed: 208 },
  ])('with $slots slots, chunks of $chunk, $rate arrivals a step, prefixes shared: $prefixCaching', (conditions) => {
    const { chunk, prefixCaching } = conditions;
    let run: Run;
    beforeAll(() => (run = simulate(conditions)));

    it('each answer is that of the request run alone', () => {
      const finished = run.requests.filter(({ id }) => !run.cancelled.has(id));
      for (const request of finished) expect(eventsOf(run.events, request.id)).toEqual(alone(request));
    });

    it('each answer that was cancelled is the beginning of that', () => {
      for (const request of run.requests.filter(({ id }) => run.cancelled.has(id))) {
        const part = eventsOf(run.events, request.id);
        expect(part).toEqual(alone(request).slice(0, part.length));
      }
    });

    it('each answer ends once, unless it was cancelled', () => {
      for (const { id } of run.requests) {
        const ends = eventsOf(run.events, id).filter(({ finish }) => finish);
        expect(ends).toHaveLength(run.cancelled.has(id) ? 0 : 1);
      }
    });

    it('all kinds of ends occur', () => {
      const reasons = new Set(run.events.flatMap(({ finish }) => (finish ? [finish.reason] : [])));
      expect(reasons).toEqual(new Set(['eos', 'length', 'stop_string']));
      expect(new Set(run.cancelled.values())).toEqual(new Set(['waiting or prefilling', 'decoding']));
    });

    it('many prompts begin with what was cached, and only if they may', () => {
      const shared = new Set(run.events.filter(({ cachedTokens }) => cachedTokens >= LEAST_SHARED).map(({ id }) => id));
      if (prefixCaching) expect(shared.size).toBeGreaterThan(conditions.slots < 3 ? 5 : 20);
      else expect(run.events.every(({ cachedTokens }) => cachedTokens === 0)).toBe(true);
    });

    it('prompts are read in chunks within the limit', () => {
      const { batches } = run.network;
      expect(Math.max(...batches.map(({ tokensPerRow }) => tokensPerRow))).toBeLessThanOrEqual(chunk);
      for (const { rows } of batches.filter(({ tokensPerRow }) => tokensPerRow > 1)) expect(rows).toBe(1);
    });
  });
});

describe('the fake network of these tests', () => {
  it('gives other logits when any token before, or its place, differs', () => {
    const logits = [
      [1, 2, 3],
      [1, 2, 4],
      [2, 1, 3],
      [1, 2],
      [1, 2, 3, 0],
      [0, 1, 2, 3],
    ].map((tokens) => logitsAfter(tokens, 8).join());
    expect(new Set(logits).size).toBe(logits.length);
  });

  it('notices that a position is read which was never written', () => {
    const batch = { firstSlot: 0, rows: 1, tokensPerRow: 1, tokens: [1], cached: [1], logitsRows: [0] };
    expect(() => networkOf().step(batch)).toThrow('every position that is read was written');
  });
});
