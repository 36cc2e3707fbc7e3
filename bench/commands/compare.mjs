/** Throughput and latency of several targets, with the same prompts in the same run. */
import { MODEL_OPTIONS, numbers } from '../support/environment.mjs';
import { describeMachine, machineLine } from '../support/machine.mjs';
import { makePrompts } from '../support/prompts.mjs';
import { megabytes, milliseconds, number, ratio, seconds, table } from '../support/report.mjs';
import { median } from '../support/statistics.mjs';
import { openTarget, parseTargets } from '../support/targets.mjs';
import { decodeLimit, floatBytes } from '../support/weights.mjs';

export const options = {
  ...MODEL_OPTIONS,
  target: { type: 'string', multiple: true, default: ['roost', 'engine'] },
  start: { type: 'string', multiple: true, default: [] },
  clients: { type: 'string', default: '1,8' },
  rounds: { type: 'string', default: '5' },
  requests: { type: 'string', default: '2' },
  seconds: { type: 'string', default: '2' },
  'new-tokens': { type: 'string', default: '64' },
  'prompt-tokens': { type: 'string', default: '50' },
  'bits-per-weight': { type: 'string', default: '32' },
};

export async function run(values) {
  const specs = parseTargets(values);
  const clients = numbers(values.clients);
  const prompts = makePrompts(values.model, Number(values['prompt-tokens']));
  const work = {
    newTokens: Number(values['new-tokens']),
    perClient: Number(values.requests),
    seconds: Number(values.seconds),
    prompts,
  };
  const machine = await describeMachine();
  const targets = [];
  const starts = [];
  for (const spec of specs) {
    const target = await openTarget(spec, values);
    const { secondsToReady, residentBytes } = target;
    targets.push(target);
    starts.push({ name: target.name, secondsToReady, idleBytes: residentBytes });
    await target.load({ ...work, clients: 1, perClient: 2, seconds: 0, first: 0 });
    target.pause();
  }
  const rows = await measure(targets, clients, Number(values.rounds), work);
  for (const [i, target] of targets.entries()) starts[i].busyBytes = target.residentBytes;
  await Promise.all(targets.map((target) => target.close()));

  const limit = decodeLimit(values.model, Number(values['bits-per-weight']), machine.bandwidth);
  const result = { machine, limit, floatBytes: floatBytes(values.model), starts, rows };
  return { result, text: report(result) };
}

/** One target has the machine at a time, and who comes first changes from round to round. */
async function measure(targets, clientCounts, rounds, work) {
  const rows = [];
  let first = 0;
  for (const clients of clientCounts) {
    const results = targets.map(() => []);
    for (let round = 0; round < rounds; round++) {
      for (let turn = 0; turn < targets.length; turn++) {
        const index = (round + turn) % targets.length;
        const target = targets[index];
        target.resume();
        const result = await target.load({ ...work, clients, first });
        target.pause();
        results[index].push(result);
        const progress = `round ${round + 1} of ${rounds}, ${clients} clients: ${target.name}`;
        console.error(`${progress} ${number(result.tokensPerSecond)} tokens/s`);
      }
      first += clients * work.perClient;
    }
    rows.push(...targets.map(({ name }, i) => ({ clients, ...summarizeRounds(name, results[i], results[0]) })));
  }
  return rows;
}

/** Medians over the rounds; the ratio is taken within each round, so that slow minutes cancel out. */
function summarizeRounds(name, rounds, firsts) {
  const medianOf = (field) =>
    rounds[0][field] === undefined ? undefined : median(rounds.map((round) => round[field]));
  const speeds = rounds.map((round) => round.tokensPerSecond);
  return {
    name,
    tokensPerSecond: medianOf('tokensPerSecond'),
    slowest: Math.min(...speeds),
    fastest: Math.max(...speeds),
    firstIsTimes: median(speeds.map((speed, i) => firsts[i].tokensPerSecond / speed)),
    latencyP50: medianOf('latencyP50'),
    latencyP99: medianOf('latencyP99'),
    firstTokenP50: medianOf('firstP50'),
    tokensPerAnswer: medianOf('tokensPerAnswer'),
  };
}

function report({ machine, limit, floatBytes, starts, rows }) {
  const [{ name: reference }] = starts;
  return [
    machineLine(machine),
    `Limit of a decode step: ${megabytes(limit.bytes)} of weights at that rate take ${milliseconds(limit.ms)}, ${number(1000 / limit.ms)} tokens/s for one client.`,
    table([
      [
        'clients',
        'target',
        'tokens/s',
        'slowest – fastest',
        `${reference} is`,
        'latency p50',
        'p99',
        'first token p50',
        'tokens per answer',
      ],
      ...rows.map((row) => [
        row.clients,
        row.name,
        number(row.tokensPerSecond),
        `${number(row.slowest)} – ${number(row.fastest)}`,
        ratio(row.firstIsTimes),
        milliseconds(row.latencyP50),
        milliseconds(row.latencyP99),
        milliseconds(row.firstTokenP50),
        number(row.tokensPerAnswer),
      ]),
    ]),
    table([
      ['target', 'start to ready', 'resident, idle', '÷ weights as float32', 'resident, afterwards'],
      ...starts.map(({ name, secondsToReady, idleBytes, busyBytes }) => [
        name,
        seconds(secondsToReady),
        megabytes(idleBytes),
        ratio(idleBytes && idleBytes / floatBytes),
        megabytes(busyBytes),
      ]),
    ]),
  ].join('\n\n');
}
