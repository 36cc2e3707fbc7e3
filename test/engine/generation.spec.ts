import { type Engine, EngineError } from '../../src/engine/index.js';
import { Tokenizer } from '../../src/engine/tokens/tokenizer.js';
import { writeLargeModel } from '../support/large-model.js';
import { answer, loadEngine } from '../support/engine.js';
import { DEMO_MODEL, editJson, fixture, TemporaryFolders } from '../support/folders.js';
import { demoCases, golden, type GoldenGeneration } from '../support/golden.js';

const folders = new TemporaryFolders();
afterAll(() => folders.remove());

describe.each(['llama', 'smollm3'] as const)('answers of the %s fixture, against torch', (name) => {
  const { generate } = golden(name);
  let engine: Engine;

  beforeAll(async () => (engine = await loadEngine(fixture(name), { prefillChunk: 64, maxBatchSize: 4 })));
  afterAll(() => engine.dispose());

  const run = ({ input_ids: ids, output_ids: expected }: GoldenGeneration) =>
    answer(engine, { prompt: { kind: 'tokens', ids }, maxNewTokens: expected.length });

  function expectGolden({ ids, text }: Awaited<ReturnType<typeof run>>, expected: GoldenGeneration): void {
    expect(ids).toEqual(expected.output_ids.slice(0, expected.stops_after));
    expect(text).toBe(Tokenizer.load(fixture(name)).decode(ids));
  }

  it.each(generate)('case $# alone', async (expected) => expectGolden(await run(expected), expected));

  it('all at once, more than there are slots', async () => {
    const answers = await Promise.all(generate.map(run));
    answers.forEach((given, i) => expectGolden(given, generate[i]));
  });

  it('all at once, from text, through the template where there is one', async () => {
    const answers = await Promise.all(
      generate.map(({ prompt, chat, output_ids: expected }) =>
        answer(engine, {
          prompt: chat
            ? { kind: 'chat', messages: [{ role: 'user', content: prompt }], addGenerationPrompt: true }
            : { kind: 'text', text: prompt },
          maxNewTokens: expected.length,
        }),
      ),
    );
    answers.forEach((given, i) => expectGolden(given, generate[i]));
  });

  it.each(generate)("case $# with the log probabilities of torch's logits", async (expected) => {
    const { input_ids: ids, first_logits_top10: logits } = expected;
    const { logprobs } = await answer(engine, { prompt: { kind: 'tokens', ids }, maxNewTokens: 1, logprobs: 10 });
    expect(logprobs).toHaveLength(1);
    const [{ top, ...chosen }] = logprobs;
    const { logprob } = chosen;
    expect(chosen).toEqual(top[0]);
    expect(top.map((other) => other.token)).toEqual(logits.map(([id]) => id));
    top.forEach((other, i) => expect(other.logprob - logprob).toBeCloseTo(logits[i][1] - logits[0][1], 3));
  });

  it.each(generate)('case $# has the same log probabilities as a prompt', async ({ input_ids: ids }) => {
    const said = await answer(engine, { prompt: { kind: 'tokens', ids }, maxNewTokens: 20, logprobs: 3 });
    const prompt = { kind: 'tokens', ids: [...ids, ...said.ids] } as const;
    const read = await answer(engine, { prompt, maxNewTokens: 1, promptLogprobs: 3 });
    expect(read.promptLogprobs.map(({ token }) => token)).toEqual(prompt.ids.slice(1));
    read.promptLogprobs.slice(-said.ids.length).forEach(({ token, logprob, top }, i) => {
      expect(token).toBe(said.logprobs[i].token);
      expect(logprob).toBeCloseTo(said.logprobs[i].logprob, 3);
      top.forEach((other, j) => expect(other.logprob).toBeCloseTo(said.logprobs[i].top[j].logprob, 3));
    });
  });

  it('unchanged by neighbours that are cancelled in the middle', async () => {
    const answers = generate.map(async (expected, i) => {
      const controller = new AbortController();
      const request = { prompt: { kind: 'tokens', ids: expected.input_ids }, maxNewTokens: 48 } as const;
      if (i % 2 === 0) return expectGolden(await answer(engine, request), expected);
      for await (const event of engine.generate(request, controller.signal)) {
        if (event.type === 'tokens') return controller.abort();
      }
    });
    await Promise.all(answers);
  });
});

describe('the demo model', () => {
  let engine: Engine;

  beforeAll(async () => (engine = await loadEngine(DEMO_MODEL)));
  afterAll(() => engine.dispose());

  const question = 'What is an Inference Endpoint?';
  const chat = { kind: 'chat', messages: [{ role: 'user', content: question }], addGenerationPrompt: true } as const;

  it.each(demoCases())('gives the golden answer of case $#, tools and thoughts included', async (expected) => {
    const { messages, tools, template: variables } = expected;
    const prompt = { kind: 'chat', messages, tools, variables, addGenerationPrompt: true } as const;
    const { ids, text, reason, newTokens } = await answer(engine, { prompt, maxNewTokens: 256 });
    expect(ids).toEqual(expected.output_ids);
    expect(text).toBe(expected.text);
    expect(reason).toBe('eos');
    expect(newTokens).toBe(expected.output_ids.length);
  });

  it('tells what was loaded', () => {
    expect(engine.info).toMatchObject({
      id: 'demo',
      architecture: 'SmolLM3ForCausalLM',
      device: 'cpu',
      dtype: 'float32',
      weightType: 'BF16',
      vocabSize: 1792,
      contextLength: 2048,
      slots: 8,
      hasChatTemplate: true,
      warnings: [],
    });
    expect(engine.info.parameters).toBe(5_180_672);
  });

  it('ends before a stop string, and says which', async () => {
    const { text, reason, stopString } = await answer(engine, { prompt: chat, stop: ['nowhere', ' loads a'] });
    expect(text).toBe('<think>\nI know this one.\n</think>\n\nAn Inference Endpoint is a server that');
    expect({ reason, stopString }).toEqual({ reason: 'stop_string', stopString: ' loads a' });
  });

  it('ends with a stop token, and says which', async () => {
    const whole = await answer(engine, { prompt: chat });
    const stopTokenId = whole.ids[9];
    const { ids, reason, ...rest } = await answer(engine, { prompt: chat, stopTokenIds: [stopTokenId] });
    expect(reason).toBe('stop_token');
    expect(rest.stopTokenId).toBe(stopTokenId);
    expect(ids).toEqual(whole.ids.slice(0, whole.ids.indexOf(stopTokenId) + 1));
    expect(whole.text.startsWith(rest.text)).toBe(true);
  });

  it('goes on after its end when that is ignored, and shows special tokens when asked', async () => {
    const whole = await answer(engine, { prompt: chat });
    const maxNewTokens = whole.newTokens + 5;
    const shown = await answer(engine, { prompt: chat, ignoreEos: true, skipSpecialTokens: false, maxNewTokens });
    expect(shown.reason).toBe('length');
    expect(shown.newTokens).toBe(maxNewTokens);
    expect(shown.text.startsWith(`${whole.text}<|im_end|>`)).toBe(true);
  });

  it('does not end before it has its least tokens', async () => {
    const whole = await answer(engine, { prompt: chat });
    const longer = await answer(engine, { prompt: chat, minTokens: whole.newTokens + 3, maxNewTokens: 200 });
    expect(longer.newTokens).toBeGreaterThanOrEqual(whole.newTokens + 3);
    expect(longer.ids.slice(0, whole.newTokens - 1)).toEqual(whole.ids.slice(0, -1));
  });

  it('keeps to bias and penalties', async () => {
    const [banned] = (await answer(engine, { prompt: chat })).ids;
    const logitBias = new Map([[banned, -100]]);
    expect((await answer(engine, { prompt: chat, sampling: { logitBias }, maxNewTokens: 20 })).ids).not.toContain(
      banned,
    );
    const sampling = { frequencyPenalty: 2, presencePenalty: 2 };
    const penalized = await answer(engine, { prompt: chat, sampling, maxNewTokens: 60, ignoreEos: true });
    const plain = await answer(engine, { prompt: chat, maxNewTokens: 60, ignoreEos: true });
    expect(new Set(penalized.ids).size).toBeGreaterThan(new Set(plain.ids).size);
  });

  it('tells log probabilities only when asked', async () => {
    expect((await answer(engine, { prompt: chat, maxNewTokens: 5 })).logprobs).toEqual([]);
    const { ids, logprobs } = await answer(engine, { prompt: chat, maxNewTokens: 5, logprobs: 2 });
    expect(logprobs.map(({ token }) => token)).toEqual(ids);
    for (const { logprob, top } of logprobs) {
      expect(top).toHaveLength(2);
      expect(logprob).toBeLessThanOrEqual(0);
    }
  });

  it('tells what each token says, which together is the answer', async () => {
    const { text, logprobs } = await answer(engine, { prompt: chat, logprobs: 0, skipSpecialTokens: false });
    const said = Buffer.from(logprobs.flatMap(({ bytes }) => bytes)).toString();
    expect(said).toBe(`${text}<|im_end|>`);
  });

  it('ends an answer by its signal also when nobody reads on', async () => {
    const request = { prompt: chat, maxNewTokens: 1500, ignoreEos: true };
    const { ids, promptTokens } = await answer(engine, { ...request, maxNewTokens: 200 });
    const prompt = { kind: 'tokens', ids: [...(await engine.encode(chat)), ...ids] } as const;
    const single = await loadEngine(DEMO_MODEL, { maxBatchSize: 1 });
    const controller = new AbortController();
    await single.generate(request, controller.signal).next();
    controller.abort();
    // Had the first one gone on, its slot would have all of this.
    const { cachedTokens } = await answer(single, { prompt, maxNewTokens: 1 });
    expect(cachedTokens).toBeLessThan(promptTokens + 100);
    await single.dispose();
  });

  it('turns a prompt into token ids, and token ids into text', async () => {
    const [{ messages, prompt_text, input_ids }] = demoCases();
    const ids = await engine.encode({ kind: 'chat', messages, addGenerationPrompt: true });
    expect(ids).toEqual(input_ids);
    expect(await engine.decode([...ids, 999_999])).toBe(prompt_text);
  });

  it.each([{ maxNewTokens: 0 }, { logprobs: 21 }, { stopTokenIds: [1792] }, { sampling: { temperature: NaN } }])(
    'refuses %j',
    async (request) => {
      await expect(answer(engine, { prompt: chat, ...request })).rejects.toMatchObject({ code: 'request_invalid' });
    },
  );

  it('ends at the most tokens', async () => {
    const { ids, reason } = await answer(engine, { prompt: chat, maxNewTokens: 5 });
    expect(ids).toHaveLength(5);
    expect(reason).toBe('length');
  });

  it('gives the same sampled answer for the same seed, alone or among others, and another for another', async () => {
    const sampling = { temperature: 2, topK: 0 };
    const request = (seed: number) => ({ prompt: chat, maxNewTokens: 40, sampling, seed });
    const alone = await answer(engine, request(7));
    const [again, other] = await Promise.all([answer(engine, request(7)), answer(engine, request(8))]);
    expect(again.text).toBe(alone.text);
    expect(other.text).not.toBe(alone.text);
  });

  it('gives different sampled answers without a seed', async () => {
    const request = { prompt: chat, maxNewTokens: 40, sampling: { temperature: 2, topK: 0 } };
    const [one, two] = await Promise.all([answer(engine, request), answer(engine, request)]);
    expect(one.text).not.toBe(two.text);
  });

  it('is greedy at temperature 0, whatever else is set', async () => {
    const sampling = { temperature: 0, topP: 0.5, topK: 3 };
    expect((await answer(engine, { prompt: chat, sampling })).text).toBe((await answer(engine, { prompt: chat })).text);
  });

  it('says how much of a prompt it had in common with one before, and gives the same answer', async () => {
    const ids = Array.from({ length: 200 }, (_, i) => (i % 50) + 300);
    const first = await answer(engine, { prompt: { kind: 'tokens', ids }, maxNewTokens: 10 });
    const prompt = { kind: 'tokens', ids: [...ids, ...first.ids.slice(0, 8), 310, 311] } as const;
    const second = await answer(engine, { prompt, maxNewTokens: 10 });
    const again = await Promise.all([1, 2, 3].map(() => answer(engine, { prompt, maxNewTokens: 10 })));
    expect([first, second, ...again].map(({ cachedTokens }) => cachedTokens)).toEqual([0, 208, 209, 209, 209]);
    for (const { ids: tokens } of again) expect(tokens).toEqual(second.ids);
    const other = await loadEngine(DEMO_MODEL, { prefixCaching: false });
    for (let i = 0; i < 2; i++) {
      expect(await answer(other, { prompt, maxNewTokens: 10 })).toMatchObject({ cachedTokens: 0, ids: second.ids });
    }
    await other.dispose();
  });

  it('refuses a prompt that leaves no room for an answer, with the count and the limit', async () => {
    const ids = new Array<number>(2048).fill(5);
    await expect(answer(engine, { prompt: { kind: 'tokens', ids } })).rejects.toMatchObject({
      code: 'prompt_too_long',
      message: expect.stringMatching(/2048 tokens.*2048/) as string,
    });
  });

  it('refuses more new tokens than fit after the prompt', async () => {
    const ids = new Array<number>(2000).fill(5);
    await expect(answer(engine, { prompt: { kind: 'tokens', ids }, maxNewTokens: 49 })).rejects.toMatchObject({
      code: 'prompt_too_long',
    });
  });

  it('answers a prompt that fills the context but for one token', async () => {
    const ids = new Array<number>(2047).fill(5);
    expect(await answer(engine, { prompt: { kind: 'tokens', ids } })).toMatchObject({
      promptTokens: 2047,
      newTokens: 1,
    });
  });

  it.each([[[]], [[1792]], [[-1]], [[1.5]]])('refuses the token ids %j', async (ids) => {
    await expect(answer(engine, { prompt: { kind: 'tokens', ids } })).rejects.toMatchObject({
      code: 'request_invalid',
    });
  });

  describe('cancelled', () => {
    const long = { prompt: { kind: 'tokens', ids: new Array<number>(1000).fill(5) }, maxNewTokens: 1000 } as const;

    it('before it starts', async () => {
      await expect(answer(engine, long, AbortSignal.abort())).rejects.toMatchObject({ code: 'cancelled' });
    });

    it('while its prompt is tokenized', async () => {
      const controller = new AbortController();
      const pending = answer(engine, { prompt: { kind: 'text', text: 'word '.repeat(900) } }, controller.signal);
      controller.abort();
      await expect(pending).rejects.toMatchObject({ code: 'cancelled' });
    });

    it('while it waits for a slot, while its prompt is read, and while it is answered: the slots are free again', async () => {
      const controllers = Array.from({ length: 20 }, () => new AbortController());
      const started = controllers.map(async ({ signal }) => {
        for await (const event of engine.generate(long, signal)) if (event.type === 'tokens') return;
      });
      const pending = controllers.map(({ signal }) => answer(engine, long, signal));
      const settled = Promise.allSettled(pending);
      await Promise.any(started);
      for (const controller of controllers) controller.abort();
      for (const result of await settled)
        expect(result).toMatchObject({ status: 'rejected', reason: { code: 'cancelled' } });
      await Promise.allSettled(started);
      const answers = await Promise.all(Array.from({ length: 8 }, () => answer(engine, { prompt: chat })));
      expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    });

    it('by leaving the iteration: the slot is free again', async () => {
      for (let i = 0; i < 20; i++) {
        for await (const event of engine.generate(long)) if (event.type === 'tokens') break;
      }
      expect((await answer(engine, { prompt: chat })).reason).toBe('eos');
    });
  });
});

describe('generation_config.json decides', () => {
  async function withGenerationConfig(changes: Record<string, unknown>, check: (engine: Engine) => Promise<void>) {
    const folder = folders.copyOf(DEMO_MODEL);
    editJson(`${folder}/generation_config.json`, changes);
    const engine = await loadEngine(folder);
    await check(engine).finally(() => engine.dispose());
  }
  const prompt = {
    kind: 'chat',
    messages: [{ role: 'user', content: 'What is an Inference Endpoint?' }],
    addGenerationPrompt: true,
  } as const;

  it('whether the model samples', async () => {
    await withGenerationConfig({ do_sample: true, temperature: 5, top_k: 0 }, async (engine) => {
      const [one, two] = await Promise.all([1, 2].map((seed) => answer(engine, { prompt, seed, maxNewTokens: 20 })));
      expect(one.text).not.toBe(two.text);
    });
  });

  it('which tokens end an answer: one of a list is enough', async () => {
    // 16 is the full stop, which comes before the end-of-sequence token.
    await withGenerationConfig({ eos_token_id: [2, 16] }, async (engine) => {
      const { ids, text, reason } = await answer(engine, { prompt });
      expect(reason).toBe('eos');
      expect(ids.at(-1)).toBe(16);
      expect(text).toBe(
        '<think>\nI know this one.\n</think>\n\nAn Inference Endpoint is a server that loads a model and answers requests over HTTP',
      );
    });
  });

  it('the repetition penalty', async () => {
    await withGenerationConfig({ repetition_penalty: 50 }, async (engine) => {
      const { ids } = await answer(engine, { prompt, maxNewTokens: 20 });
      expect(new Set(ids).size).toBe(ids.length);
    });
  });

  it('and what it sets without effect is told', async () => {
    await withGenerationConfig({ num_beams: 4 }, (engine) => {
      expect(engine.info.warnings).toEqual([expect.stringContaining('num_beams') as string]);
      return Promise.resolve();
    });
  });
});

describe('an engine', () => {
  const long = { prompt: { kind: 'tokens', ids: new Array<number>(1000).fill(5) }, maxNewTokens: 1000 } as const;

  it('ends running requests with an error when it is disposed of', async () => {
    const engine = await loadEngine(DEMO_MODEL);
    const pending = answer(engine, long);
    const settled = expect(pending).rejects.toMatchObject({ code: 'not_loaded' });
    await engine.dispose();
    await settled;
    await expect(answer(engine, long)).rejects.toMatchObject({ code: 'not_loaded' });
  });

  it('does not wait for a long prompt when it is disposed of: the run is interrupted', async () => {
    const engine = await loadEngine(DEMO_MODEL, { prefillChunk: 2048 });
    const pending = answer(engine, { prompt: { kind: 'tokens', ids: new Array<number>(2000).fill(5) } });
    const settled = expect(pending).rejects.toBeInstanceOf(EngineError);
    await engine.dispose();
    await settled;
  });

  it('can be disposed of twice', async () => {
    const engine = await loadEngine(DEMO_MODEL);
    await Promise.all([engine.dispose(), engine.dispose()]);
    await engine.dispose();
  });

  it('refuses a model at its load that the runtime cannot run', async () => {
    const folder = folders.create();
    // Heads of 36 values, which attention with rotary embeddings does not take.
    writeLargeModel(folder, { layers: 1, hidden: 576 });
    await expect(loadEngine(folder)).rejects.toMatchObject({ code: 'runtime_failed' });
  });

  it.each([0, -1, 1.5, NaN])('refuses an answer of %d tokens', async (maxNewTokens) => {
    const engine = await loadEngine(DEMO_MODEL);
    await expect(answer(engine, { ...long, maxNewTokens })).rejects.toMatchObject({ code: 'request_invalid' });
    await engine.dispose();
  });

  it('can be given up while it loads', async () => {
    const controller = new AbortController();
    const options = {
      modelPath: DEMO_MODEL,
      device: 'auto',
      dtype: 'auto',
      maxBatchSize: 8,
      prefillChunk: 256,
    } as const;
    const { Engine } = await import('../../src/engine/index.js');
    const loading = Engine.load(options, { onProgress: () => controller.abort() }, controller.signal);
    await expect(loading).rejects.toMatchObject({ code: 'cancelled' });
  });

  it.each([
    [{ device: 'cuda' }, /cuda is not available/],
    [{ dtype: 'float16' }, /float16 is not available/],
  ] as const)('refuses %j with one line', async (options, message) => {
    const error: unknown = await loadEngine(DEMO_MODEL, options).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'device_unavailable', message: expect.stringMatching(message) as string });
  });

  it('cuts the context as it is told, and refuses one that the model was not made for', async () => {
    const engine = await loadEngine(DEMO_MODEL, { maxModelLength: 100 });
    expect(engine.info.contextLength).toBe(100);
    await expect(answer(engine, long)).rejects.toMatchObject({ code: 'prompt_too_long' });
    await engine.dispose();
    await expect(loadEngine(DEMO_MODEL, { maxModelLength: 4096 })).rejects.toThrow('4096');
  });
});
