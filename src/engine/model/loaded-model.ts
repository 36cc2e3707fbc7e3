import { basename, join, resolve } from 'node:path';
import { EngineError } from '../errors.js';
import { readDecoderSpec } from '../graph/architectures/index.js';
import { buildDecoderGraph } from '../graph/decoder-graph.js';
import { kvBytesPerToken, type DecoderSpec } from '../graph/decoder-spec.js';
import { releaseFreeMemory } from '../native-heap.js';
import type { InterruptHandles } from '../ort/interrupt.js';
import { OrtRuntime } from '../ort/runtime.js';
import { DecoderRunner } from '../runner/decoder-runner.js';
import { Tokenizer } from '../tokens/tokenizer.js';
import type { EngineOptions, LoadPhase, ModelInfo } from '../types.js';
import { openCheckpoint, type Checkpoint } from '../weights/checkpoint.js';
import { isWeightType } from '../weights/data-type.js';
import { readGenerationDefaults, type GenerationDefaults } from './generation-config.js';
import { readJsonObject } from './json.js';
import { planKvCache } from './memory-plan.js';
import { physicalCores } from './physical-cores.js';

/** What loading found out that text does not have a part in; the text worker knows the rest. */
export type DecoderInfo = Omit<ModelInfo, 'hasChatTemplate'>;

export type PhaseListener = (phase: LoadPhase, expectedGrowth: number) => void;

/**
 * Resident memory that the runtime takes while it reads weights, for each byte that they have as float32: measured 1.2
 * at 570 M parameters and 1.5 at 135 M. What is too small here shows as a percentage that stays at 99 for a while.
 */
const GROWTH_PER_FLOAT_BYTE = 1.25;

/** A model folder, brought to life: the network with its KV cache, the tokenizer, and how it wants to generate. */
export class LoadedModel {
  private constructor(
    readonly info: DecoderInfo,
    readonly defaults: GenerationDefaults,
    readonly tokenizer: Tokenizer,
    readonly runner: DecoderRunner,
    private readonly runtime: OrtRuntime,
  ) {}

  /**
   * Loads a model folder; blocks the calling thread, for seconds if the model is large.
   *
   * @param onPhase is told what comes next, and by how many bytes the process will grow in it
   * @throws {EngineError} model_invalid, model_unsupported, device_unavailable or runtime_failed; nothing stays allocated
   */
  static load(
    options: EngineOptions,
    interrupt: InterruptHandles,
    onPhase: PhaseListener = () => undefined,
  ): LoadedModel {
    assertDevice(options);
    const folder = resolve(options.modelPath);
    onPhase('files', 0);
    const config = readJsonObject(join(folder, 'config.json'));
    const spec = readDecoderSpec(config);
    const checkpoint = openCheckpoint(folder);
    const defaults = readGenerationDefaults(folder, config);
    const tokenizer = Tokenizer.load(folder);
    const floatBytes = checkpoint.parameters * Float32Array.BYTES_PER_ELEMENT;
    const size = planKvCache({
      bytesPerToken: kvBytesPerToken(spec),
      freeBytes: process.availableMemory() - floatBytes,
      maxPositions: spec.maxPositions,
      maxModelLength: options.maxModelLength,
      maxBatchSize: options.maxBatchSize,
    });
    const graph = buildDecoderGraph(spec, checkpoint, size.capacity);

    onPhase('weights', floatBytes * GROWTH_PER_FLOAT_BYTE);
    const threads = options.threads ?? physicalCores();
    const runtime = new OrtRuntime();
    try {
      const { prefillChunk } = options;
      const runner = new DecoderRunner(runtime, spec, graph.model, {
        ...size,
        threads,
        prefillChunk,
        interrupt,
        weightsFolder: checkpoint.root,
      });
      const info: DecoderInfo = {
        ...describe(spec, checkpoint),
        id: options.modelId ?? basename(folder),
        device: 'cpu',
        dtype: 'float32',
        contextLength: size.capacity,
        slots: size.slots,
        kvCacheBytes: kvBytesPerToken(spec) * size.capacity * size.slots,
        threads,
        warnings: warningsOf(graph.unusedTensors, defaults),
      };
      warmUp(runner);
      releaseFreeMemory();
      return new LoadedModel(info, defaults, tokenizer, runner, runtime);
    } catch (error) {
      runtime.dispose();
      throw error;
    }
  }

  dispose(): void {
    this.runner.dispose();
    this.runtime.dispose();
  }
}

function assertDevice({ device, dtype }: EngineOptions): void {
  if (device === 'cuda') {
    throw new EngineError('device_unavailable', 'device cuda is not available: this version runs on the CPU only');
  }
  if (dtype !== 'auto' && dtype !== 'float32') {
    throw new EngineError('device_unavailable', `dtype ${dtype} is not available: the CPU computes in float32`);
  }
}

/** One run: what the runtime cannot do with this model shows now, and not at the first request. */
function warmUp(runner: DecoderRunner): void {
  try {
    runner.step({ firstSlot: 0, rows: 1, tokensPerRow: 1, tokens: [0], cached: [0], logitsRows: [0] });
  } catch (error) {
    runner.dispose();
    throw error;
  }
}

function describe(spec: DecoderSpec, checkpoint: Checkpoint) {
  const { architecture, vocabSize, maxPositions } = spec;
  const { parameters, bytes: weightBytes } = checkpoint;
  return { architecture, vocabSize, maxPositions, parameters, weightBytes, weightType: weightTypeOf(checkpoint) };
}

/** The type of most of the weights; some checkpoints keep their norms in another. */
function weightTypeOf({ tensors }: Checkpoint): ModelInfo['weightType'] {
  const largest = [...tensors.values()].reduce((a, b) => (b.length > a.length ? b : a));
  return isWeightType(largest.dtype) ? largest.dtype : 'F32';
}

function warningsOf(unusedTensors: readonly string[], { ignored }: GenerationDefaults): string[] {
  const warnings: string[] = [];
  if (unusedTensors.length > 0) {
    const [first] = unusedTensors;
    warnings.push(
      `${unusedTensors.length} tensors of the checkpoint have no use in this architecture, for example ${first}`,
    );
  }
  if (ignored.length > 0) warnings.push(`generation_config.json sets ${ignored.join(', ')}, which has no effect here`);
  return warnings;
}
