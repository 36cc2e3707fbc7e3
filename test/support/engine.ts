import {
  Engine,
  type EngineOptions,
  type FinishReason,
  type GenerationRequest,
  type TokenLogprobs,
} from '../../src/engine/index.js';

export interface Answer {
  readonly text: string;
  readonly ids: readonly number[];
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly newTokens: number;
  readonly thoughtTokens?: number;
  readonly reason: FinishReason;
  readonly stopString?: string;
  readonly stopTokenId?: number;
  readonly logprobs: readonly TokenLogprobs[];
  readonly promptLogprobs: readonly TokenLogprobs[];
}

export function loadEngine(modelPath: string, options: Partial<EngineOptions> = {}): Promise<Engine> {
  return Engine.load({
    modelPath,
    device: 'auto',
    dtype: 'auto',
    maxBatchSize: 8,
    prefillChunk: 256,
    threads: 2,
    ...options,
  });
}

/** Reads an answer to its end. */
export async function answer(engine: Engine, request: GenerationRequest, signal?: AbortSignal): Promise<Answer> {
  let text = '';
  const ids: number[] = [];
  const logprobs: TokenLogprobs[] = [];
  const promptLogprobs: TokenLogprobs[] = [];
  for await (const event of engine.generate(request, signal)) {
    if (event.type === 'tokens') {
      text += event.text;
      ids.push(...event.ids);
      logprobs.push(...(event.logprobs ?? []));
      promptLogprobs.push(...(event.promptLogprobs ?? []));
    }
    if (event.type === 'finish') return { text, ids, logprobs, promptLogprobs, ...event };
  }
  throw new Error('the answer has no end');
}
