import type { GenerationDefaults } from '../model/generation-config.js';
import type { EffectiveParameter, EffectiveSampling, ParameterSource } from '../types.js';
import {
  DEFAULT_SAMPLING,
  resolveSampling,
  type SamplingParameters,
  type SamplingRequest,
} from './sampling-parameters.js';

/** What `resolveSampling` makes of a request, and who decided it. */
export function explainSampling(
  request: SamplingRequest,
  { sampling: defaults, configured }: Pick<GenerationDefaults, 'sampling' | 'configured'>,
): EffectiveSampling {
  const resolved = resolveSampling(request, defaults);
  const byModel = (name: keyof SamplingParameters): ParameterSource =>
    configured.includes(name) ? 'generation_config.json' : 'default';
  const sourceOf = (name: keyof SamplingParameters): ParameterSource => {
    // Whether to draw is what follows from the parameters that only drawing needs.
    const isAsked = name === 'doSample' ? resolved.doSample !== defaults.doSample : request[name] !== undefined;
    return isAsked ? 'request' : byModel(name);
  };
  const names = Object.keys(DEFAULT_SAMPLING) as (keyof SamplingParameters)[];
  const explained = names.map((name): [string, EffectiveParameter<unknown>] => [
    name,
    { value: resolved[name], source: sourceOf(name) },
  ]);
  return Object.fromEntries(explained) as unknown as EffectiveSampling;
}
