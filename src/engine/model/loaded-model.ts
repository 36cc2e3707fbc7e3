import { basename, join, resolve } from 'node:path';
import { PROMPT_LOGITS_ROWS } from '../batching/scheduler.js';
import { EngineError } from '../errors.js';
import { readDecoderSpec } from '../graph/architectures/index.js';
import { buildDecoderGraph, type DecoderGraph } from '../graph/decoder-graph.js';
import { kvBytesPerToken, type DecoderSpec } from '../graph/decoder-spec.js';
import { estimateWeightBytes, recipeOf } from '../graph/quantization.js';
import type { InterruptHandles } from '../ort/interrupt.js';
import { OrtRuntime } from '../ort/runtime.js';
import { DecoderRunner, type StepBatch } from '../runner/decoder-runner.js';
import { type TokenDecoder, Tokenizer } from '../tokens/tokenizer.js';
import type { EngineOptions, LoadPhase, ModelInfo } from '../types.js';
import { openCheckpoint, type Checkpoint } from '../weights/checkpoint.js';
import { isWeightType } from '../weights/data-type.js';
import { prepareWeights } from '../weights/prepare-weights.js';
import { WeightMemory } from '../weights/weight-memory.js';
import { fingerprintOf } from './fingerprint.js';
import { readGenerationDefaults, type GenerationDefaults } from './generation-config.js';
import { readJsonObject } from './json.js';
import { checkMemory } from './memory-limit.js';
import { planKvCache } from './memory-plan.js';
import { physicalCores } from './physical-cores.js';

/** What loading found out that text does not have a part in; the text worker knows the rest. */
export type DecoderInfo = Omit<ModelInfo, 'hasChatTemplate' | 'chatTemplates'>;

export interface LoadOptions {
  /** Is told what comes next, and by how many bytes the process will grow in it. */
  readonly onPhase?: (phase: LoadPhase, expectedGrowth: number) => void;
  /** Ends the load while weights are made; later, the interrupt does. */
  readonly signal?: AbortSignal;
}

/**
 * Resident memory that a load takes for each byte of the weights: at times some are there twice, as they were made and as
 * the runtime packs them. What is too small here shows as a percentage that stays at 99 for a while.
 */
const GROWTH_PER_WEIGHT_BYTE = 1.25;

/** A model folder, brought to life: the network with its KV cache, the tokenizer, and how it wants to generate. */
export class LoadedModel {
  private constructor(
    readonly info: DecoderInfo,
    readonly defaults: GenerationDefaults,
    readonly tokenizer: TokenDecoder,
    readonly runner: DecoderRunner,
    /** Frees all that is native. */
    readonly dispose: () => void,
  ) {}

  /**
   * Loads a model folder; blocks the calling thread for as long as the runtime takes in the weights.
   *
   * @throws {EngineError} model_invalid, model_unsupported, device_unavailable or runtime_failed; nothing stays allocated
   */
  static async load(
    options: EngineOptions,
    interrupt: InterruptHandles,
    { onPhase = () => undefined, signal = new AbortController().signal }: LoadOptions = {},
  ): Promise<LoadedModel> {
    assertDevice(options);
    const folder = resolve(options.modelPath);
    onPhase('files', 0);
    const config = readJsonObject(join(folder, 'config.json'));
    const spec = readDecoderSpec(config);
    const checkpoint = openCheckpoint(folder);
    const defaults = readGenerationDefaults(folder, config);
    const tokenizer = Tokenizer.loadDecoder(folder);
    const quantization = options.quantization ?? 'none';
    const recipe = recipeOf(quantization);
    const weightBytes = estimateWeightBytes(spec, checkpoint.parameters, recipe);
    const size = planKvCache({
      bytesPerToken: kvBytesPerToken(spec),
      freeBytes: process.availableMemory() - weightBytes,
      maxPositions: spec.maxPositions,
      maxModelLength: options.maxModelLength,
      maxBatchSize: options.maxBatchSize,
    });
    const kvCacheBytes = kvBytesPerToken(spec) * size.capacity * size.slots;
    const memoryWarning = checkMemory({ weightBytes, kvCacheBytes });
    const graph = buildDecoderGraph(spec, checkpoint, size.capacity, recipe);

    onPhase('weights', weightBytes * GROWTH_PER_WEIGHT_BYTE);
    const { prefillChunk, speculativeTokens, cacheFolder, threads = physicalCores() } = options;
    /** What is to be freed, in the order in which it came. */
    const owned: Disposable[] = [];
    const own = <T extends Disposable>(part: T): T => {
      owned.push(part);
      return part;
    };
    const dispose = (): void => owned.reverse().forEach((part) => part.dispose());
    try {
      const runtime = own(new OrtRuntime());
      const weights = own(new WeightMemory(runtime, graph.weights));
      const cacheFailure = await prepareWeights(checkpoint, graph.weights, weights, { threads, cacheFolder, signal });
      const reading = { prefillChunk, speculativeTokens, logitsRows: PROMPT_LOGITS_ROWS };
      const runnerOptions = { ...size, ...reading, threads, interrupt, weightsFolder: checkpoint.root };
      const runner = own(new DecoderRunner(runtime, spec, graph.model, weights.tensors, runnerOptions));
      // The first run as well: what the runtime cannot do with this model shows now, and not at the first request.
      weights.freeUnread(() => runner.step(probeStep(spec, Math.min(size.capacity, prefillChunk))));
      const info: DecoderInfo = {
        ...describe(spec, checkpoint),
        id: options.modelId ?? basename(folder),
        device: 'cpu',
        dtype: 'float32',
        specialIds: [...tokenizer.specialIds],
        quantization: typeof quantization === 'string' ? quantization : 'custom',
        weightMemoryBytes: weightBytes,
        contextLength: size.capacity,
        slots: size.slots,
        kvCacheBytes,
        threads,
        fingerprint: fingerprintOf(folder, checkpoint, recipe),
        warnings: [...warningsOf(graph, defaults, cacheFailure), ...(memoryWarning ? [memoryWarning] : [])],
      };
      return new LoadedModel(info, defaults, tokenizer, runner, dispose);
    } catch (error) {
      dispose();
      throw error;
    }
  }
}

interface Disposable {
  dispose(): void;
}

const PROBE_TOKENS = 8;

/**
 * A prompt that every weight has a part in: with one token, queries and keys do not matter, and some tokens, such as
 * padding, are embedded as zeros.
 */
function probeStep({ vocabSize }: DecoderSpec, longest: number): StepBatch {
  const count = Math.min(PROBE_TOKENS, longest);
  const tokens = Array.from({ length: count }, (_, i) => Math.floor(((i + 1) * vocabSize) / (count + 1)));
  return { firstSlot: 0, rows: 1, tokensPerRow: count, tokens, cached: [0], logitsRows: [count - 1] };
}

function assertDevice({ device, dtype }: EngineOptions): void {
  if (device === 'cuda') {
    throw new EngineError('device_unavailable', 'device cuda is not available: this version runs on the CPU only');
  }
  if (dtype !== 'auto' && dtype !== 'float32') {
    throw new EngineError('device_unavailable', `dtype ${dtype} is not available: the CPU computes in float32`);
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

function warningsOf(
  { unusedTensors }: DecoderGraph,
  { ignored }: GenerationDefaults,
  cacheFailure: string | undefined,
): string[] {
  const warnings: string[] = [];
  if (unusedTensors.length > 0) {
    const [first] = unusedTensors;
    warnings.push(
      `${unusedTensors.length} tensors of the checkpoint have no use in this architecture, for example ${first}`,
    );
  }
  if (ignored.length > 0) warnings.push(`generation_config.json sets ${ignored.join(', ')}, which has no effect here`);
  if (cacheFailure !== undefined) {
    warnings.push(`quantized weights are not kept for the next start: the cache cannot be written (${cacheFailure})`);
  }
  return warnings;
}
