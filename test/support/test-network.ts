import { readDecoderSpec } from '../../src/engine/graph/architectures/index.js';
import { buildDecoderGraph } from '../../src/engine/graph/decoder-graph.js';
import { recipeOf } from '../../src/engine/graph/quantization.js';
import { OrtInterrupt } from '../../src/engine/ort/interrupt.js';
import { OrtRuntime } from '../../src/engine/ort/runtime.js';
import { DecoderRunner } from '../../src/engine/runner/decoder-runner.js';
import type { EngineOptions } from '../../src/engine/types.js';
import { openCheckpoint } from '../../src/engine/weights/checkpoint.js';
import { prepareWeights } from '../../src/engine/weights/prepare-weights.js';
import { WeightMemory } from '../../src/engine/weights/weight-memory.js';
import type { WeightPlan } from '../../src/engine/weights/weight-plan.js';
import { readJson } from './folders.js';

const CAPACITY = 64;

/** The network of a model folder and nothing else. */
export class TestNetwork {
  private constructor(
    private readonly runner: DecoderRunner,
    /** What it computes with. */
    readonly plans: readonly WeightPlan[],
    readonly dispose: () => void,
  ) {}

  static async load(folder: string, quantization: EngineOptions['quantization'] = 'none'): Promise<TestNetwork> {
    const spec = readDecoderSpec(readJson(`${folder}/config.json`) as Record<string, unknown>);
    const checkpoint = openCheckpoint(folder);
    const graph = buildDecoderGraph(spec, checkpoint, CAPACITY, recipeOf(quantization));
    const interrupt = new OrtInterrupt();
    const runtime = new OrtRuntime();
    const weights = new WeightMemory(runtime, graph.weights);
    const { signal } = new AbortController();
    await prepareWeights(checkpoint, graph.weights, weights, { threads: 2, signal });
    const runner = new DecoderRunner(runtime, spec, graph.model, weights.tensors, {
      slots: 1,
      capacity: CAPACITY,
      prefillChunk: CAPACITY,
      threads: 2,
      weightsFolder: checkpoint.root,
      interrupt: interrupt.handles,
    });
    return new TestNetwork(runner, graph.weights, () => {
      for (const part of [runner, weights, runtime, interrupt]) part.dispose();
    });
  }

  /** The logits of every position of a prompt. */
  logits(tokens: readonly number[]): Float32Array {
    const logits = tokens.map((token, i) =>
      this.runner
        .step({ firstSlot: 0, rows: 1, tokensPerRow: 1, tokens: [token], cached: [i], logitsRows: [0] })
        .slice(),
    );
    return Float32Array.from(logits.flatMap((row) => [...row]));
  }
}
