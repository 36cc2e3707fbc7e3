/** What one client takes from another, over HTTP: how long one with a key of its own waits while another floods the server. */
import { MODEL_OPTIONS, environment, numbers } from '../support/environment.mjs';
import { measureSharing } from '../support/sharing.mjs';
import { milliseconds, ratio, table } from '../support/report.mjs';

export const options = {
  ...MODEL_OPTIONS,
  rounds: { type: 'string', default: '5' },
  prompts: { type: 'string', default: '20,200,500,1500' },
  depth: { type: 'string', default: '40' },
};

export async function run(values) {
  const result = await measureSharing(environment(values), {
    rounds: Number(values.rounds),
    prompts: numbers(values.prompts),
    depth: Number(values.depth),
  });
  return { result, text: report(result) };
}

function report({ alone, floods }) {
  const columns = alone.map(({ prompt }) => `${prompt} tokens`);
  return table([
    ['first token of a prompt of', ...columns],
    ['alone', ...alone.map(({ firstMs }) => milliseconds(firstMs))],
    ...floods.map(({ name, waits }) => [
      name,
      ...waits.map(
        ({ ratios, firstMs }) => `${milliseconds(firstMs)}, ${ratio(ratios.p50)} (most ${ratio(ratios.max)})`,
      ),
    ]),
  ]);
}
