import { Inject, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { Config } from '../../config/config.js';
import { CONFIG } from '../../config/config.module.js';
import type { GenerationRequest } from '../../inference/inference-provider.js';
import { ModelService } from '../model.service.js';
import type { Plan } from '../plan.js';
import { RequestRecord } from '../request-record.js';
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
   * @throws {InferenceError}
   */
  async generate(body: GenerateRequest, signal: AbortSignal, request: FastifyRequest): Promise<GenerateResponse> {
    const maxNewTokens = this.maxNewTokens(body);
    const record = new RequestRecord(request, 'generate');
    let response = '';
    try {
      for await (const event of this.models.generate(this.toRequest(body, maxNewTokens), signal)) {
        switch (event.type) {
          case 'start':
            record.promptTokens = event.promptTokens;
            break;
          case 'tokens':
            response += event.text;
            record.newTokens += event.ids.length;
            break;
          case 'finish':
            record.outcome = event.reason;
        }
      }
      return { response, input_token_count: record.promptTokens, output_token_count: record.newTokens };
    } catch (error) {
      record.fail(error);
      throw error;
    } finally {
      record.write({ max_new_tokens: maxNewTokens });
    }
  }

  private maxNewTokens({ max_new_tokens: wanted }: GenerateRequest): number {
    return wanted ?? Math.min(DEFAULT_MAX_NEW_TOKENS, this.config.maxNewTokens);
  }

  private toRequest(body: GenerateRequest, maxNewTokens: number): GenerationRequest {
    const { prompt: text, seed, stop } = body;
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
    };
  }
}
