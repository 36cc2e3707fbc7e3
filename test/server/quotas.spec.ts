import { Allowance } from '../../src/access/allowance.js';
import { Quotas } from '../../src/access/quotas.js';
import { hashOfKey } from '../../src/config/api-keys.js';
import { TestApplication } from '../support/application.js';
import { ScriptedProvider } from '../support/scripted-provider.js';

describe('an allowance', () => {
  it('is a minute’s worth, fills evenly and no further', () => {
    const allowance = new Allowance(60, 0);
    allowance.spend(60, 0);
    expect(allowance.remaining(0)).toBe(0);
    expect(allowance.msUntilNext(0)).toBe(1000);
    expect(allowance.remaining(999)).toBe(0);
    expect(allowance.remaining(1000)).toBe(1);
    expect(allowance.msUntilFull(1000)).toBe(59_000);
    expect(allowance.remaining(1_000_000)).toBe(60);
  });

  it('may be overdrawn, and what is owed is filled up first', () => {
    const allowance = new Allowance(60, 0);
    allowance.spend(120, 0);
    expect(allowance.remaining(60_000)).toBe(0);
    expect(allowance.remaining(61_000)).toBe(1);
  });

  it('gives what it promises over any time: never more than a minute’s worth beyond the rate', () => {
    const allowance = new Allowance(7, 0);
    let spent = 0;
    for (let now = 0; now <= 600_000; now += 250) {
      if (allowance.remaining(now) < 1) continue;
      allowance.spend(1, now);
      spent++;
    }
    expect(spent).toBe(7 + 70);
  });
});

describe('quotas', () => {
  let now = 0;
  const quotas = () => new Quotas({ requests: undefined, tokens: 100 }, () => now);
  beforeEach(() => (now = 0));

  it('let a request begin while there is a token left, and charge what it took in the end', () => {
    const quota = quotas().of('a');
    expect(quota.admit()).toBeUndefined();
    quota.spend('tokens', 250);
    expect(quota.headers()).toEqual({
      'x-ratelimit-limit-tokens': '100',
      'x-ratelimit-remaining-tokens': '0',
      'x-ratelimit-reset-tokens': '2m30s',
    });
    // 150 are owed, and one is needed.
    expect(quota.admit()?.headers).toEqual({ 'retry-after': '91' });
    now = 91_000;
    expect(quota.admit()).toBeUndefined();
  });

  it('are each client’s own', () => {
    const all = quotas();
    all.of('a').spend('tokens', 100);
    expect(all.of('a').admit()).toBeDefined();
    expect(all.of('b').admit()).toBeUndefined();
  });

  it('limit nothing that has no limit', () => {
    const quota = new Quotas({ requests: undefined, tokens: undefined }).of('a');
    for (let i = 0; i < 1000; i++) expect(quota.admit()).toBeUndefined();
    expect(quota.headers()).toEqual({});
  });

  it.each([
    [1, '600ms'],
    [2, '2s'],
    [100, '1m0s'],
  ])('tell OpenAI’s way when %i tokens are there again', (tokens, expected) => {
    const quota = quotas().of('a');
    quota.spend('tokens', tokens);
    expect(quota.headers()['x-ratelimit-reset-tokens']).toBe(expected);
  });
});

describe('a limit of tokens', () => {
  const KEYS = ['one', 'another'];
  let application: TestApplication;
  beforeEach(async () => {
    const keys = { apiKeyHashes: KEYS.map(hashOfKey) };
    application = await TestApplication.ready(new ScriptedProvider(), { ...keys, tokensPerMinute: 1 });
  });
  afterEach(() => application.close());

  const ask = (key: string) =>
    application.post('/v1/completions', { prompt: 'hi' }, { headers: { authorization: `Bearer ${key}` } });

  it('is what a client’s answers take, prompts included; beyond it there is 429, for that client alone', async () => {
    const first = await ask(KEYS[0]);
    expect([first.status, first.headers.get('x-ratelimit-limit-tokens')]).toEqual([200, '1']);
    // They are charged when the request has ended, as its line of the log is written.
    while (!application.logs.some(({ msg }) => msg === 'request')) await new Promise(setImmediate);
    const refused = await ask(KEYS[0]);
    expect(refused.status).toBe(429);
    // Of 4 tokens, 1 was there, and one comes in a minute.
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(120);
    expect(refused.headers.get('x-ratelimit-remaining-tokens')).toBe('0');
    expect(await refused.json()).toMatchObject({ error: { code: 'rate_limit_exceeded' } });
    expect((await ask(KEYS[1])).status).toBe(200);
  });
});
