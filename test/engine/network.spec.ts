import { buildDecoderGraph } from '../../src/engine/graph/decoder-graph.js';
import { readDecoderSpec } from '../../src/engine/graph/architectures/index.js';
import { OrtInterrupt } from '../../src/engine/ort/interrupt.js';
import { OrtRuntime } from '../../src/engine/ort/runtime.js';
import { DecoderRunner } from '../../src/engine/runner/decoder-runner.js';
import { openCheckpoint } from '../../src/engine/weights/checkpoint.js';
import { prepareWeights } from '../../src/engine/weights/prepare-weights.js';
import { WeightMemory } from '../../src/engine/weights/weight-memory.js';
import { fixture, readJson } from '../support/folders.js';
import { golden } from '../support/golden.js';

/** The network alone: no threads, no scheduler, no text. */
describe.each(['llama', 'smollm3'] as const)('the network of the %s fixture, against torch', (name) => {
  const folder = fixture(name);
  const spec = readDecoderSpec(readJson(`${folder}/config.json`) as Record<string, unknown>);
  const checkpoint = openCheckpoint(folder);
  const { generate } = golden(name);
  const capacity = 256;
  const interrupt = new OrtInterrupt();
  let runtime: OrtRuntime;
  let weights: WeightMemory;
  let runner: DecoderRunner;

  beforeAll(async () => {
    runtime = new OrtRuntime();
    const graph = buildDecoderGraph(spec, checkpoint, capacity);
    const { signal } = new AbortController();
    weights = new WeightMemory(runtime, graph.weights);
    await prepareWeights(checkpoint, graph.weights, weights, { threads: 2, signal });
    runner = new DecoderRunner(runtime, spec, graph.model, weights.tensors, {
      slots: 4,
      capacity,
      prefillChunk: capacity,
      threads: 2,
      weightsFolder: checkpoint.root,
      interrupt: interrupt.handles,
    });
  });

  afterAll(() => {
    runner.dispose();
    weights.dispose();
    runtime.dispose();
    interrupt.dispose();
  });

  /** Reads a prompt into a slot, in chunks, and returns the logits of its last position. */
  function prefill(ids: readonly number[], slot: number, chunk: number): Float32Array {
    let logits = new Float32Array();
    for (let start = 0; start < ids.length; start += chunk) {
      const tokens = ids.slice(start, start + chunk);
      const logitsRows = start + chunk >= ids.length ? [tokens.length - 1] : [];
      const batch = { firstSlot: slot, rows: 1, tokensPerRow: tokens.length, tokens, cached: [start], logitsRows };
      logits = runner.step(batch).slice();
    }
    return logits;
  }

  function expectGolden(logits: Float32Array, expected: readonly (readonly [number, number])[]): void {
    for (const [id, logit] of expected) expect(Math.abs(logits[id] - logit)).toBeLessThan(1e-3);
  }

  it.each(generate)('gives the first logits of case $#', ({ input_ids: ids, first_logits_top10: expected }) => {
    expectGolden(prefill(ids, 0, capacity), expected);
  });

  it.each([1, 7, 64])('gives the same logits when prompts are read in chunks of %i', (chunk) => {
    for (const { input_ids: ids, first_logits_top10: expected } of generate)
      expectGolden(prefill(ids, 1, chunk), expected);
  });

  it('gives the same logits in every slot', () => {
    const [{ input_ids: ids, first_logits_top10: expected }] = generate;
    for (let slot = 0; slot < 4; slot++) expectGolden(prefill(ids, slot, capacity), expected);
  });

  it('decodes sequences of different lengths together, an idle row between them', () => {
    const cases = [generate[0], generate[1]];
    const slots = [1, 3];
    const tokens = cases.map(({ input_ids: ids }, i) => argmax(prefill(ids, slots[i], capacity)));
    expect(tokens).toEqual(cases.map(({ output_ids: ids }) => ids[0]));
    const idle = prefill(generate[2].input_ids.slice(0, 5), 2, capacity);
    expect(idle).toHaveLength(spec.vocabSize);
    for (let step = 1; step < 20; step++) {
      const cached = cases.map(({ input_ids: ids }) => ids.length + step - 1);
      const logits = runner.step({
        firstSlot: 1,
        rows: 3,
        tokensPerRow: 1,
        tokens: [tokens[0], 0, tokens[1]],
        cached: [cached[0], 5, cached[1]],
        logitsRows: [0, 2],
      });
      tokens[0] = argmax(logits.subarray(0, spec.vocabSize));
      tokens[1] = argmax(logits.subarray(spec.vocabSize));
      expect(tokens).toEqual(cases.map(({ output_ids: ids }) => ids[step]));
    }
    // The idle row's sequence goes on as if nothing had happened.
    const { input_ids: rest, first_logits_top10: expected } = generate[2];
    const batch = { firstSlot: 2, rows: 1, tokensPerRow: rest.length - 5, tokens: rest.slice(5), cached: [5] };
    expectGolden(runner.step({ ...batch, logitsRows: [rest.length - 6] }), expected);
  });

  it('goes on from a beginning that was copied from another slot', () => {
    const [{ input_ids: ids, first_logits_top10: expected }] = generate;
    const shared = ids.length - 4;
    prefill(ids.slice(0, shared), 0, capacity);
    prefill(generate[1].input_ids, 3, capacity);
    runner.copy(0, 3, shared);
    const batch = { firstSlot: 3, rows: 1, tokensPerRow: 4, tokens: ids.slice(shared), cached: [shared] };
    expectGolden(runner.step({ ...batch, logitsRows: [3] }), expected);
  });

  it('goes on in two slots that changed places, and after their first tokens were computed again', () => {
    const cases = [generate[0], generate[1]];
    const slots = [0, 2];
    const tokens = cases.map(({ input_ids: ids }, i) => argmax(prefill(ids, slots[i], capacity)));
    const cached = cases.map(({ input_ids: ids }) => ids.length);
    runner.exchange(0, 2, Math.max(...cached));
    const idle = cases.map(({ input_ids: ids }) => ids[0]);
    runner.step({
      firstSlot: 0,
      rows: 3,
      tokensPerRow: 1,
      tokens: [idle[1], 0, idle[0]],
      cached: [0, 0, 0],
      logitsRows: [],
    });
    const logits = runner.step({
      firstSlot: 0,
      rows: 3,
      tokensPerRow: 1,
      tokens: [tokens[1], 0, tokens[0]],
      cached: [cached[1], 0, cached[0]],
      logitsRows: [0, 2],
    });
    expect(argmax(logits.subarray(0, spec.vocabSize))).toBe(cases[1].output_ids[1]);
    expect(argmax(logits.subarray(spec.vocabSize))).toBe(cases[0].output_ids[1]);
  });

  it('refuses more tokens than a slot holds', () => {
    const batch = { firstSlot: 0, rows: 1, tokensPerRow: 1, tokens: [5], cached: [capacity], logitsRows: [0] };
    expect(() => runner.step(batch)).toThrow(RangeError);
  });
});

function argmax(values: Float32Array): number {
  return values.indexOf(Math.max(...values));
}
