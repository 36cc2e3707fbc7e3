import type { Timings } from '../../inference/inference-provider.js';
import type { FinishEvent } from './answer-text.js';

/** What is told of every request, before anything is done about it. */
export function requestHeaders(device: string, inputs: string): Record<string, string> {
  return { 'x-compute-type': device, 'x-compute-characters': String(Array.from(inputs).length) };
}

/**
 * What is told of a complete answer: times in milliseconds, but for the first.
 *
 * @param elapsed since the request came, in milliseconds
 */
export function answerHeaders(elapsed: number, finish: FinishEvent, inputLength: number): Record<string, string> {
  const { newTokens, timings } = finish;
  return {
    'x-compute-time': String(elapsed / 1000),
    'x-total-time': String(Math.round(elapsed)),
    ...(timings && phaseHeaders(timings, newTokens)),
    'x-prompt-tokens': String(inputLength),
    'x-generated-tokens': String(newTokens),
  };
}

function phaseHeaders({ received, queued, started, finished }: Timings, newTokens: number): Record<string, string> {
  const inference = finished - started;
  return {
    'x-validation-time': String(Math.round(queued - received)),
    'x-queue-time': String(Math.round(started - queued)),
    'x-inference-time': String(Math.round(inference)),
    'x-time-per-token': String(Math.round(inference / Math.max(1, newTokens))),
  };
}
