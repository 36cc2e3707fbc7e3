import { Inject, Injectable } from '@nestjs/common';
import type { FastifyBaseLogger } from 'fastify';
import type { Config } from '../../config/config.js';
import { CONFIG } from '../../config/config.module.js';
import { type GenerationRequest, InferenceError } from '../../inference/inference-provider.js';
import { ModelService } from '../model.service.js';
import { DEFAULT_MAX_NEW_TOKENS, type GenerateRequest } from './dto/generate-request.dto.js';
import type { GenerateResponse } from './dto/generate-response.dto.js';

/** Translates between the seed's route and the model. */
@Injectable()
export class GenerateService {
  constructor(
    private readonly models: ModelService,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /**
   * @throws {ModelNotLoadedError}
   * @throws {InferenceError}
   */
  async generate(body: GenerateRequest, signal: AbortSignal, log: FastifyBaseLogger): Promise<GenerateResponse> {
    const started = performance.now();
    const maxNewTokens = body.max_new_tokens ?? Math.min(DEFAULT_MAX_NEW_TOKENS, this.config.maxNewTokens);
    const answer: GenerateResponse = { response: '', input_token_count: 0, output_token_count: 0 };
    let outcome = 'cancelled';
    try {
      for await (const event of this.models.generate(this.toRequest(body, maxNewTokens), signal)) {
        switch (event.type) {
          case 'start':
            answer.input_token_count = event.promptTokens;
            break;
          case 'tokens':
            answer.response += event.text;
            answer.output_token_count += event.ids.length;
            break;
          case 'finish':
            outcome = event.reason;
        }
      }
      return answer;
    } catch (error) {
      outcome = error instanceof InferenceError ? error.code : 'failed';
      throw error;
    } finally {
      const fields = {
        outcome,
        prompt_tokens: answer.input_token_count,
        new_tokens: answer.output_token_count,
        max_new_tokens: maxNewTokens,
        duration_ms: Math.round(100 * (performance.now() - started)) / 100,
      };
      log.info(fields, 'generate');
    }
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
