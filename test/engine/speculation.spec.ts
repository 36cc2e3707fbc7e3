import type { Engine, TokenLogprobs } from '../../src/engine/index.js';
import { loadEngine } from '../support/engine.js';
import { DEMO_MODEL, fixture } from '../support/folders.js';
import { demoCases, golden } from '../support/golden.js';

const SPECULATIVE_TOKENS = 8;

interface Told {
  readonly ids: readonly number[];
  readonly logprobs: readonly TokenLogprobs[];
  /** At most as many as there were steps. */
  readonly events: number;
}

/** A greedy answer to a prompt, which is made to say `favourite` for ever if there is one. */
async function tell(engine: Engine, ids: readonly number[], maxNewTokens: number, favourite?: number): Promise<Told> {
  const told = { ids: [] as number[], logprobs: [] as TokenLogprobs[], events: 0 };
  const logitBias = new Map(favourite === undefined ? [] : [[favourite, 100]]);
  const request = { prompt: { kind: 'tokens', ids }, maxNewTokens, logprobs: 3, sampling: { logitBias } } as const;
  for await (const event of engine.generate(request)) {
    if (event.type !== 'tokens') continue;
    told.ids.push(...event.ids);
    told.logprobs.push(...(event.logprobs ?? []));
    told.events++;
  }
  return told;
}

describe.each(['llama', 'smollm3'] as const)('with tokens drafted, the %s fixture', (name) => {
  const cases = golden(name).generate;
  let engine: Engine;
  let plain: Engine;

  beforeAll(async () => {
    // Drafts are longer than what prompts and the batch need room for.
    const options = { prefillChunk: 2, maxBatchSize: 2 };
    engine = await loadEngine(fixture(name), { ...options, speculativeTokens: SPECULATIVE_TOKENS });
    plain = await loadEngine(fixture(name), options);
  });
  afterAll(() => Promise.all([engine.dispose(), plain.dispose()]));

  it.each(cases)(
    'gives the tokens that torch gives, case $#',
    async ({ input_ids: ids, output_ids: expected, stops_after: end }) => {
      expect((await tell(engine, ids, expected.length)).ids).toEqual(expected.slice(0, end));
    },
  );

  it('says the same with the same probabilities as without, in fewer steps, where it repeats itself', async () => {
    const [{ input_ids: ids }] = cases;
    const [expected, told] = [await tell(plain, ids, 60, 20), await tell(engine, ids, 60, 20)];
    expect(told.ids).toEqual(new Array(60).fill(20));
    expect(told.ids).toEqual(expected.ids);
    expect(told.events).toBeLessThan(16);
    told.logprobs.forEach(({ logprob }, i) => expect(logprob).toBeCloseTo(expected.logprobs[i].logprob, 3));
  });
});

describe('with tokens drafted, the demo model', () => {
  let engine: Engine;

  beforeAll(async () => (engine = await loadEngine(DEMO_MODEL, { speculativeTokens: SPECULATIVE_TOKENS })));
  afterAll(() => engine.dispose());

  it('gives the tokens that transformers gives, in fewer steps', async () => {
    let [tokens, events] = [0, 0];
    for (const { input_ids: ids, output_ids: expected } of demoCases()) {
      const told = await tell(engine, ids, expected.length);
      expect(told.ids).toEqual(expected);
      tokens += told.ids.length;
      events += told.events;
    }
    expect(events).toBeLessThan(0.95 * tokens);
  });
});
