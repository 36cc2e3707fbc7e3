import { Injectable } from '@nestjs/common';
import { RequestValidationError, wrongParameter } from '../../common/fastapi/validation-fault.js';
import type { Explanation, GenerationRequest, Prompt } from '../../inference/inference-provider.js';
import { Admission } from '../admission/admission.js';
import { estimateTokens } from '../admission/estimate.js';
import { ModelService } from '../model.service.js';
import type { Plan } from '../plan.js';
import { fingerprintOf } from '../served-model.js';
import type { EffectiveValue, ExplainedPrompt, ExplainResponse } from './dto/explain.dto.js';

/**
 * What a route would do with a body.
 *
 * @param signal ends what it has to find out
 * @throws what the route itself would throw
 */
export type Planner = (body: unknown, signal: AbortSignal) => Plan;

/** Tells what routes would do with a request. A dialect registers its routes here. */
@Injectable()
export class ExplainService {
  private readonly planners = new Map<string, Planner>();

  constructor(
    private readonly models: ModelService,
    private readonly admission: Admission,
  ) {}

  /** @param route its path */
  register(route: string, planner: Planner): void {
    this.planners.set(route, planner);
  }

  /**
   * @throws {RequestValidationError} places are those in the body that holds the request
   * @throws {RefusedError}
   * @throws what the route itself would throw
   */
  async explain(route: string, body: unknown, signal: AbortSignal): Promise<ExplainResponse> {
    const planner = this.planners.get(route);
    if (!planner)
      throw wrongParameter('route', `Input should be one of ${[...this.planners.keys()].join(', ')}`, route);
    const plan = planned(planner, body, signal);
    const { model } = this.models;
    const explained = await this.admission.readText(estimateTokens(plan.prompts), () =>
      Promise.all(plan.prompts.map((prompt) => this.explainPrompt(plan, prompt, signal))),
    );
    const [{ request, explanation }] = explained;
    return {
      route,
      model: model.id,
      system_fingerprint: fingerprintOf(model),
      context_length: model.contextLength,
      prompts: explained.map((one) => toPrompt(plan, one)),
      sampling: toSampling(request, explanation),
      stop: {
        strings: request.stop ?? [],
        token_ids: request.stopTokenIds ?? [],
        end_of_sequence_ids: request.ignoreEos ? [] : explanation.eosIds,
        min_tokens: request.minTokens ?? 0,
      },
      grammar: (request.grammar as Record<string, unknown> | undefined) ?? null,
      grammar_after: request.grammarAfter ?? null,
      warnings: plan.warningsFor(explained.map((one) => one.explanation.prompt.ids)),
    };
  }

  private async explainPrompt(plan: Plan, prompt: Prompt, signal: AbortSignal): Promise<Explained> {
    const ids = await this.models.encode(prompt, signal);
    const truncated = plan.cutOf?.(ids) ?? 0;
    const requests = await plan.requestsFor(ids);
    const [request] = requests;
    const read: Prompt = truncated > 0 ? { kind: 'tokens', ids: ids.slice(truncated) } : prompt;
    const explanation = await this.models.explain({ ...request, prompt: read }, signal);
    return { request, explanation, answers: requests.length, truncated };
  }
}

interface Explained {
  /** For the first answer; the others differ by their seed. */
  readonly request: GenerationRequest;
  readonly explanation: Explanation;
  readonly answers: number;
  readonly truncated: number;
}

function planned(planner: Planner, body: unknown, signal: AbortSignal): Plan {
  try {
    return planner(body, signal);
  } catch (error) {
    if (!(error instanceof RequestValidationError)) throw error;
    throw new RequestValidationError(
      error.faults.map(({ loc: [first, ...rest], ...fault }) => ({ ...fault, loc: [first, 'request', ...rest] })),
    );
  }
}

function toPrompt({ limitsLength }: Plan, { explanation, answers, truncated }: Explained): ExplainedPrompt {
  const { prompt, room, maxNewTokens = null, refusal } = explanation;
  return {
    text: prompt.text,
    tokens: prompt.ids.map((id, i) => ({ id, text: prompt.pieces[i] })),
    token_count: prompt.ids.length,
    truncated,
    room: Math.max(0, room),
    max_new_tokens: { value: maxNewTokens, source: limitsLength ? 'request' : 'default' },
    answers,
    refusal: refusal?.message ?? null,
  };
}

/** By the names that generation_config.json and most dialects have for them. */
function toSampling({ seed }: GenerationRequest, { sampling }: Explanation): Record<string, EffectiveValue> {
  const named = Object.entries(sampling).map(([name, { value, source }]): [string, EffectiveValue] => [
    name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    { value: value instanceof Map ? Object.fromEntries<number>(value) : (value as number | boolean), source },
  ]);
  return {
    ...Object.fromEntries(named),
    seed: { value: seed ?? null, source: seed === undefined ? 'default' : 'request' },
  };
}
