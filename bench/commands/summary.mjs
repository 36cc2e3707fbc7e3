/** Without a command: the server beside its engine, then what its users feel. */
import * as compare from './compare.mjs';
import * as latency from './latency.mjs';

const ROUNDS = { rounds: { type: 'string', default: '3' } };

export const options = { ...compare.options, ...latency.options, seconds: compare.options.seconds, ...ROUNDS };

export async function run(values) {
  const compared = await compare.run(values);
  const felt = await latency.run(values);
  return {
    result: { compare: compared.result, latency: felt.result },
    text: `${compared.text}\n\n${felt.text}`,
  };
}
