import { Inject, Injectable } from '@nestjs/common';
import type { Config } from '../../config/config.js';
import { CONFIG } from '../../config/config.module.js';
import type { GenerationRequest } from '../../inference/inference-provider.js';
import { ModelService } from '../model.service.js';
import type { Plan } from '../plan.js';
import { DEFAULT_MAX_NEW_TOKENS, type GenerateRequest } from './dto/generate-request.dto.js';
import type { GenerateResponse } from './dto/generate-response.dto.js';

/** Translates between the seed's route and the model. */
@Injectable()
export class GenerateService {
  constructor(
    private readonly models: ModelService,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** What `generate` would do. */
  plan(body: GenerateRequest): Plan {
    const { prompt, ...request } = this.toRequest(body, this.maxNewTokens(body));
    return {
      prompts: [prompt],
      requestsFor: (ids) => [{ ...request, prompt: { kind: 'tokens', ids } }],
      limitsLength: body.max_new_tokens !== undefined,
      warningsFor: () => [],
    };
  }

  /**
   * @throws {ModelNotLoadedError}
   * @throws {RefusedError}
   * @throws {InferenceError}
   */
  async generate(body: GenerateRequest, signal: AbortSignal): Promise<GenerateResponse> {
    const request = this.toRequest(body, this.maxNewTokens(body));
    let response = '';
    let inputTokens = 0;
    let outputTokens = 0;
    for await (const event of this.models.generate(request, signal)) {
      if (event.type === 'start') inputTokens = event.promptTokens;
      if (event.type !== 'tokens') continue;
      response += event.text;
      outputTokens += event.ids.length;
    }
    return { response, input_token_count: inputTokens, output_token_count: outputTokens };
  }

  private maxNewTokens({ max_new_tokens: wanted }: GenerateRequest): number {
    return wanted ?? Math.min(DEFAULT_MAX_NEW_TOKENS, this.config.maxNewTokens);
  }

  private toRequest(body: GenerateRequest, maxNewTokens: number): GenerationRequest {
    const { prompt: text, seed, stop, timeout } = body;
    return {
      prompt: this.models.model.hasChatTemplate
        ? { kind: 'chat', messages: [{ role: 'user', content: text }], addGenerationPrompt: true }
        : { kind: 'text', text },
      maxNewTokens,
      sampling: {
        temperature: body.temperature,
        topP: body.top_p,
        topK: body.top_k,
        minP: body.min_p,
        repetitionPenalty: body.repetition_penalty,
      },
      seed,
      stop,
      timeLimits: timeout === undefined ? undefined : { whole: 1000 * timeout },
    };
  }
}
