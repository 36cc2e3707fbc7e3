/** Who is let in, who is turned away, and that nothing is lost between the door and the end. */
import { Admission } from '../../src/generation/admission/admission.js';
import { Throughput } from '../../src/generation/admission/throughput.js';
import type { Ticket } from '../../src/generation/admission/ticket.js';
import type { LedgerCounts } from '../../src/generation/admission/ledger.js';
import { TestApplication } from '../support/application.js';
import { parseEvents } from '../support/event-stream.js';
import { ScriptedProvider } from '../support/scripted-provider.js';
import { Seeded } from '../engine/unit/support/seeded.js';

const DOOR = { maxQueueSize: 3, maxQueueTokens: 1000 };

function sumOf({ completed, failed, cancelled, running }: LedgerCounts): number {
  return completed + failed + cancelled + running;
}

describe('what waits', () => {
  const slots = 2;

  it('is bounded by answers: those with a slot do not wait', () => {
    const admission = new Admission(DOOR);
    for (let i = 0; i < slots + DOOR.maxQueueSize; i++) admission.admit({ answers: 1, promptTokens: 1 }, slots);
    expect(() => admission.admit({ answers: 1, promptTokens: 1 }, slots)).toThrow('3 requests wait');
    expect(admission.counts.rejected.queue_size).toBe(1);
  });

  it('is bounded by tokens of prompts, which wait until they are read', () => {
    const admission = new Admission(DOOR);
    const first = admission.admit({ answers: 2, promptTokens: 900 }, slots);
    expect(() => admission.admit({ answers: 1, promptTokens: 101 }, slots)).toThrow('900 tokens wait');
    first.note(0, { type: 'tokens', text: 'a', ids: [1] });
    expect(admission.load).toEqual({ answers: 2, promptTokens: 450 });
    admission.admit({ answers: 1, promptTokens: 101 }, slots);
  });

  it('counts what was estimated as what it turned out to be', () => {
    const admission = new Admission(DOOR);
    admission.admit({ answers: 1, promptTokens: 10 }, slots).correct({ answers: 4, promptTokens: 999 });
    expect(admission.load).toEqual({ answers: 4, promptTokens: 999 });
    expect(() => admission.admit({ answers: 2, promptTokens: 1 }, slots)).toThrow('2 requests wait');
    expect(() => admission.admit({ answers: 1, promptTokens: 2 }, slots)).toThrow('999 tokens wait');
  });

  it('is nothing on a server with nothing to do, which takes whatever comes', () => {
    const admission = new Admission(DOOR);
    admission.admit({ answers: 100, promptTokens: 1_000_000 }, slots).complete();
    expect(admission.load).toEqual({ answers: 0, promptTokens: 0 });
  });
});

describe('the ledger', () => {
  it('adds up at every moment, whatever happens, and a request ends once', () => {
    const random = new Seeded(7);
    const admission = new Admission({ maxQueueSize: 20, maxQueueTokens: 2000 });
    const open: Ticket[] = [];
    let accepted = 0;
    let turnedAway = 0;
    for (let i = 0; i < 5000; i++) {
      const ticket = open.length > 0 ? random.pick(open) : undefined;
      switch (random.integer(0, 6)) {
        case 0:
          ticket?.complete();
          break;
        case 1:
          ticket?.cancel();
          break;
        case 2:
          ticket?.fail(new Error('broken'));
          break;
        case 3:
          ticket?.note(0, { type: 'tokens', text: 'a', ids: [1] });
          break;
        default:
          try {
            open.push(admission.admit({ answers: random.integer(1, 4), promptTokens: random.integer(1, 500) }, 4));
            accepted++;
          } catch {
            turnedAway++;
          }
      }
      const { counts } = admission;
      expect(counts.accepted).toBe(accepted);
      expect(sumOf(counts)).toBe(accepted);
    }
    expect(turnedAway).toBeGreaterThan(100);
    const { rejected } = admission.counts;
    expect(rejected.queue_size + rejected.queue_tokens).toBe(turnedAway);
    for (const ticket of open) ticket.complete();
    expect(admission.counts.running).toBe(0);
  });
});

describe('the time to come back', () => {
  it('follows from the measured pace and how much is too much', () => {
    const throughput = new Throughput();
    throughput.begin(0);
    // A thousand tokens a second, for long.
    for (let t = 100; t <= 600_000; t += 100) throughput.did(100, t);
    for (let i = 0; i < 200; i++) throughput.answered(300, 100);
    expect(throughput.secondsForAnswers(10)).toBeCloseTo(4, 1);
    expect(throughput.secondsForPrompts(3000)).toBeCloseTo(4, 1);
    // Four times as slow: half is forgotten in half a minute, and most in three.
    for (let t = 600_400; t <= 800_000; t += 400) throughput.did(100, t);
    expect(throughput.secondsForAnswers(10)).toBeGreaterThan(14);
  });

  it('does not count time in which there was nothing to do', () => {
    const throughput = new Throughput();
    throughput.begin(0);
    for (let t = 100; t <= 100_000; t += 100) throughput.did(100, t);
    const before = throughput.secondsForAnswers(1);
    throughput.begin(5_000_000);
    throughput.did(100, 5_000_100);
    expect(throughput.secondsForAnswers(1)).toBeCloseTo(before, 1);
  });
});

describe('the server', () => {
  let provider: ScriptedProvider;
  let application: TestApplication;
  const start = async (): Promise<Admission> => {
    provider = new ScriptedProvider({ slots: 1 });
    application = await TestApplication.ready(provider, { maxQueueSize: 1, maxQueueTokens: 100 });
    provider.automatic = false;
    return application.app.get(Admission);
  };
  afterEach(() => application.close());

  const stream = (fields: object = {}): Promise<Response> =>
    application.post('/v1/completions', { prompt: 'hi', stream: true, ...fields });

  it('turns away what is too much before it looks at the prompt, with the seconds to wait, in the words of the dialect', async () => {
    const admission = await start();
    const streams = [await stream(), await stream()];
    const prompts = provider.prompts.length;
    const openAi = await stream();
    expect(openAi.status).toBe(429);
    expect(openAi.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
    expect(await openAi.json()).toEqual({
      error: {
        message: expect.stringMatching(/^The server is busy: 1 requests wait, and no more than 1 may/) as string,
        type: 'rate_limit_error',
        param: null,
        code: 'overloaded',
      },
    });
    const busy = expect.stringContaining('The server is busy') as string;
    for (const [path, body, told] of [
      ['/generate', { prompt: 'hi' }, { detail: busy }],
      ['/v1/responses', { input: 'hi' }, { error: { message: busy, code: 'overloaded' } }],
      [
        '/v1/messages',
        { max_tokens: 1, messages: [{ role: 'user', content: 'hi' }] },
        { type: 'error', error: { type: 'overloaded_error', message: busy } },
      ],
      ['/generate_stream', { inputs: 'hi' }, { error: busy, error_type: 'overloaded' }],
    ] as const) {
      const refused = await application.post(path, body);
      expect(refused.status).toBe(429);
      expect(refused.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
      expect(await refused.json()).toMatchObject(told);
    }
    expect(provider.prompts).toHaveLength(prompts);
    // A full queue is no reason to send nobody any more.
    expect((await application.fetch('/health/ready')).status).toBe(200);
    for (const answer of provider.answers) answer.finish();
    for (const response of streams) await response.text();
    expect(admission.counts).toMatchObject({ accepted: 2, completed: 2, running: 0, rejected: { queue_size: 5 } });
  });

  it.each([
    ['/v1/completions', { prompt: 1 }, 400],
    ['/v1/chat/completions', { messages: 1 }, 400],
    ['/v1/responses', { input: 1 }, 400],
    ['/v1/messages', { model: 'scripted', max_tokens: 1, messages: 1 }, 400],
    ['/generate_stream', { inputs: 1 }, 422],
    ['/generate', { prompt: 1 }, 422],
  ])('tells what is wrong with a body also when it is full, and does not count it: %s', async (path, body, status) => {
    const admission = await start();
    const streams = [await stream(), await stream()];
    expect((await application.post(path, body)).status).toBe(status);
    expect(admission.counts).toMatchObject({ accepted: 2, failed: 0, rejected: { queue_size: 0 } });
    for (const answer of provider.answers) answer.finish();
    for (const response of streams) await response.text();
  });

  it.each([{ prompt: ['a', 'b'] }, { n: 2 }])('counts each answer to each prompt: %j', async (fields) => {
    await start();
    const first = await stream(fields);
    expect((await stream()).status).toBe(429);
    for (const answer of provider.answers) answer.finish();
    await first.text();
    expect((await stream({ prompt: ['a', 'b'], n: 2 })).status).toBe(200);
  });

  it('frees the place of one that fails, and of one whose client goes', async () => {
    const admission = await start();
    const failing = application.post('/generate', { prompt: 'hi' });
    (await provider.answer(0)).fail(new Error('broken'));
    expect((await failing).status).toBe(500);
    const controller = new AbortController();
    const body = JSON.stringify({ prompt: 'hi', stream: true });
    const going = await application.post('/v1/completions', undefined, { body, signal: controller.signal });
    expect(going.status).toBe(200);
    controller.abort();
    await (
      await provider.answer(1)
    ).ended;
    while (admission.counts.running > 0) await new Promise(setImmediate);
    expect(admission.counts).toMatchObject({ accepted: 2, failed: 1, cancelled: 1 });
    expect(admission.load).toEqual({ answers: 0, promptTokens: 0 });
  });

  it('says 429 also to one that was let in and did not begin in time', async () => {
    await start();
    provider.automatic = false;
    const pending = application.post('/generate', { prompt: 'hi' });
    (await provider.answer(0)).end('queue');
    const response = await pending;
    expect(response.status).toBe(429);
    expect(response.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
  });

  it('says so with the last event of a stream that waited too long', async () => {
    const admission = await start();
    provider.begins = false;
    const pending = stream();
    (await provider.answer(0)).end('queue');
    const { data } = parseEvents(await (await pending).text());
    expect(JSON.parse(data.at(-1) as string)).toMatchObject({ error: { code: 'overloaded' } });
    expect(admission.counts).toMatchObject({ accepted: 1, failed: 1, running: 0 });
  });

  it('gives what there is when the time of the request is over', async () => {
    await start();
    const pending = application.post('/v1/completions', { prompt: 'hi', timeout: 5 });
    const answer = await provider.answer(0);
    expect(answer.request.timeLimits).toEqual({ whole: 5000 });
    answer.say(' half');
    answer.end('whole');
    expect(await (await pending).json()).toMatchObject({
      choices: [{ text: 'a half', finish_reason: 'length', stop_reason: 'timeout' }],
    });
  });

  it('while it drains refuses what comes, and finishes what runs', async () => {
    const admission = await start();
    const running = await stream();
    const drained = admission.drain().then(() => admission.counts);
    for (const [path, body] of [
      ['/v1/completions', { prompt: 'hi' }],
      ['/generate', { prompt: 'hi' }],
    ] as const) {
      const response = await application.post(path, body);
      expect(response.status).toBe(503);
      expect(response.headers.get('connection')).toBe('close');
      expect(JSON.stringify(await response.json())).toContain('The server is shutting down');
    }
    const ready = await application.fetch('/health/ready');
    expect(ready.status).toBe(503);
    expect(await ready.json()).toMatchObject({ error: { model: { state: 'draining' } } });
    for (const probe of ['live', 'startup']) expect((await application.fetch(`/health/${probe}`)).status).toBe(200);
    const answer = await provider.answer(0);
    answer.say('the end');
    answer.finish();
    expect(parseEvents(await running.text()).data.at(-1)).toBe('[DONE]');
    expect(await drained).toMatchObject({ accepted: 1, completed: 1, running: 0, rejected: { draining: 2 } });
  });

  it('is not live when there is work and nothing of it gets on', async () => {
    await start();
    provider.stalled = 299_000;
    expect((await application.fetch('/health/live')).status).toBe(200);
    provider.stalled = 301_000;
    const response = await application.fetch('/health/live');
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ error: { progress: { status: 'down' } } });
  });

  it('disconnects a client that does not read its answer', async () => {
    provider = new ScriptedProvider({ slots: 1 });
    application = await TestApplication.ready(provider, { readTimeout: 1 });
    provider.automatic = false;
    const response = await stream();
    const answer = await provider.answer(0);
    const text = 'x'.repeat(1_000_000);
    for (let i = 0; i < 40; i++) answer.say(text);
    await answer.ended;
    expect(answer.signal.aborted).toBe(true);
    await expect(response.text()).rejects.toThrow();
  });
});

describe('what only needs the thread of text', () => {
  const TEXT_ROUTES: readonly (readonly [path: string, body: object])[] = [
    ['/tokenize', { prompt: 'hi' }],
    ['/detokenize', { tokens: [1] }],
    ['/v1/explain', { route: '/v1/completions', request: { prompt: 'hi' } }],
    ['/v1/messages/count_tokens', { model: 'scripted', messages: [{ role: 'user', content: 'hi' }] }],
  ];
  let provider: ScriptedProvider;
  let application: TestApplication;
  let admission: Admission;
  beforeEach(async () => {
    provider = new ScriptedProvider();
    application = await TestApplication.ready(provider, { maxQueueSize: 1, maxQueueTokens: 100 });
    admission = application.app.get(Admission);
    provider.heldTexts = [];
  });
  afterEach(() => application.close());

  /** Asks, and waits until the thread has it. */
  async function tokenize(prompt = 'hi'): Promise<{ response: Promise<Response> }> {
    const held = provider.textsHeld;
    const response = application.post('/tokenize', { prompt });
    while (provider.textsHeld === held) await new Promise(setImmediate);
    return { response };
  }

  it.each(TEXT_ROUTES)('is bounded by requests: %s', async (path, body) => {
    const waiting = [await tokenize(), await tokenize()];
    const refused = await application.post(path, body);
    expect(refused.status).toBe(429);
    // Before anything was done about it.
    expect(provider.prompts).toHaveLength(waiting.length);
    expect(refused.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
    expect(await refused.json()).toMatchObject({
      error: {
        message: expect.stringMatching(/^The server is busy: 1 requests wait/) as string,
        ...(path.startsWith('/v1/messages') ? { type: 'overloaded_error' } : { code: 'overloaded' }),
      },
    });
    // Others have a line of their own.
    expect(admission.load).toEqual({ answers: 0, promptTokens: 0 });
    provider.releaseTexts();
    for (const { response } of waiting) expect((await response).status).toBe(200);
    expect(admission.counts).toMatchObject({ accepted: 2, completed: 2, running: 0, rejected: { queue_size: 1 } });
  });

  it('is bounded by characters', async () => {
    const long = await tokenize('x'.repeat(280));
    expect((await application.post('/tokenize', { prompt: 'x'.repeat(30) })).status).toBe(429);
    expect(admission.counts.rejected.queue_tokens).toBe(1);
    provider.releaseTexts();
    expect((await long.response).status).toBe(200);
  });

  it('is waited for at shutdown', async () => {
    const running = await tokenize();
    const drained = admission.drain().then(() => admission.counts);
    for (const [path, body] of TEXT_ROUTES) expect((await application.post(path, body)).status).toBe(503);
    provider.releaseTexts();
    expect((await running.response).status).toBe(200);
    expect(await drained).toMatchObject({ completed: 1, running: 0, rejected: { draining: TEXT_ROUTES.length } });
  });

  it.each([
    ['/tokenize', { prompt: 1 }, 'prompt'],
    ['/tokenize', { prompt: 'hi', messages: [{ role: 'user', content: 'hi' }] }, 'prompt'],
    ['/detokenize', { tokens: 'hi' }, 'tokens'],
    ['/v1/explain', { route: '/v1/completions' }, 'request'],
    ['/v1/explain', { route: '/nowhere', request: {} }, 'route'],
    ['/v1/explain', { route: '/v1/completions', request: { prompt: 1 } }, 'request.prompt'],
    ['/v1/messages/count_tokens', { model: 'scripted' }, 'messages'],
    ['/v1/messages/count_tokens', { model: 'scripted', messages: [{ role: 'user', content: 1 }] }, 'messages'],
  ])(
    'is told what is wrong with it also by a server that is full, and does not count: %s %j',
    async (path, body, param) => {
      const waiting = [await tokenize(), await tokenize()];
      const refused = await application.post(path, body);
      expect(refused.status).toBe(400);
      const told: unknown = await refused.json();
      expect(told).toMatchObject({ error: { type: 'invalid_request_error' } });
      if (path.startsWith('/v1/messages')) {
        const message = expect.stringContaining(param) as string;
        expect(told).toMatchObject({ type: 'error', error: { message } });
      } else expect(told).toMatchObject({ error: { param } });
      expect(admission.counts).toEqual({
        ...{ accepted: 2, completed: 0, failed: 0, cancelled: 0, running: 2 },
        rejected: { queue_size: 0, queue_tokens: 0, draining: 0 },
      });
      provider.releaseTexts();
      for (const { response } of waiting) expect((await response).status).toBe(200);
    },
  );

  it('frees its place when it fails, and when its client goes', async () => {
    provider.heldTexts = undefined;
    // This provider explains nothing.
    const unexplained = await application.post('/v1/explain', { route: '/v1/completions', request: { prompt: 'hi' } });
    expect(unexplained.status).toBe(400);
    expect(admission.counts).toMatchObject({ accepted: 1, failed: 1, running: 0 });
    provider.heldTexts = [];
    const leaving = new AbortController();
    const body = JSON.stringify({ prompt: 'hi' });
    const left = expect(application.post('/tokenize', undefined, { body, signal: leaving.signal })).rejects.toThrow();
    while (provider.textsHeld === 0) await new Promise(setImmediate);
    leaving.abort();
    await left;
    while (admission.counts.running > 0) await new Promise(setImmediate);
    expect(admission.counts).toMatchObject({ accepted: 2, failed: 1, cancelled: 1 });
  });
});
