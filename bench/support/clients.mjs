import { median, quantile } from './statistics.mjs';

/**
 * Clients that each ask as soon as they have their answer: as often as `perClient` says, and until the seconds are over.
 *
 * @param ask prompt → { tokens, firstMs? } of its answer
 * @param first the number of the first prompt; the others follow, in turn
 * @returns tokens per second over all; latencies of whole answers, and where known of first tokens, in ms
 */
export async function runClients(ask, { clients, perClient, seconds, prompts, first }) {
  let next = 0;
  const answers = [];
  const started = performance.now();
  const elapsed = () => (performance.now() - started) / 1000;
  const client = async () => {
    while (next < clients * perClient || elapsed() < seconds) {
      const asked = performance.now();
      const { tokens, firstMs } = await ask(prompts[(first + next++) % prompts.length]);
      answers.push({ tokens, firstMs, ms: performance.now() - asked });
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  const took = elapsed();
  const tokens = answers.reduce((sum, answer) => sum + answer.tokens, 0);
  const latencies = answers.map(({ ms }) => ms);
  const firsts = answers.flatMap(({ firstMs }) => firstMs ?? []);
  return {
    tokensPerSecond: tokens / took,
    tokensPerAnswer: tokens / answers.length,
    latencyP50: median(latencies),
    latencyP99: quantile(latencies, 0.99),
    firstP50: firsts.length > 0 ? median(firsts) : undefined,
  };
}
