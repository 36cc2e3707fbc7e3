/** Cost as the work grows: longer contexts, more streams at a time, longer prompts. */
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { readDecoderSpec } from '../../dist/engine/graph/architectures/index.js';
import { Engine } from '../../dist/engine/index.js';
import { readJsonObject } from '../../dist/engine/model/json.js';
import { describeEngine } from '../support/describe.mjs';
import { MODEL_OPTIONS, engineOptions, numbers } from '../support/environment.mjs';
import { describeMachine, machineLine } from '../support/machine.mjs';
import { milliseconds, number, ratio, table } from '../support/report.mjs';
import { median } from '../support/statistics.mjs';
import { EndlessStreams, Streams } from '../support/streams.mjs';
import { decodeLimit } from '../support/weights.mjs';

const DECODED = 32;
/** Of the context, at least: the largest size and what is decoded behind it. */
const ROOM = 256;

export const options = {
  ...MODEL_OPTIONS,
  rounds: { type: 'string', default: '5' },
  contexts: { type: 'string', default: '128,256,512,1024,2048,4096' },
  streams: { type: 'string', default: '1,2,4,8,16,32' },
  prompts: { type: 'string', default: '16,64,256,1000,2000,4000' },
  'bits-per-weight': { type: 'string', default: '32' },
};

export async function run(values) {
  const machine = await describeMachine();
  const limit = decodeLimit(values.model, Number(values['bits-per-weight']), machine.bandwidth);
  const [contexts, counts, prompts] = [values.contexts, values.streams, values.prompts].map(numbers);
  const rounds = Number(values.rounds);
  const engine = await Engine.load(optionsFor(values, Math.max(...contexts, ...prompts), Math.max(...counts)));
  const { contextLength } = engine.info;
  const fitting = (sizes) => sizes.filter((size) => size + DECODED <= contextLength);
  const streams = new Streams(engine);
  await streams.answer(streams.prompt(64), DECODED);
  const result = {
    machine,
    model: describeEngine(engine.info),
    limit,
    contexts: await measureContexts(streams, fitting(contexts), rounds),
    streams: await measureStreams(streams, counts, rounds),
    prompts: await measurePrompts(streams, fitting(prompts), rounds),
  };
  await engine.dispose();
  return { result, text: report(result) };
}

/** As many slots as streams, and as long as the model and the sizes want; memory is only taken where it is touched. */
function optionsFor(values, longest, slots) {
  const { maxPositions } = readDecoderSpec(readJsonObject(join(values.model, 'config.json')));
  return engineOptions(values, { maxBatchSize: slots, maxModelLength: Math.min(maxPositions, longest + ROOM) });
}

/** Time of a decode step of one stream, by the tokens it has in its cache. */
async function measureContexts(streams, sizes, rounds) {
  const rows = [];
  for (const tokens of sizes) {
    const steps = [];
    for (let round = 0; round < rounds; round++) {
      const { times } = await streams.answer(streams.prompt(tokens), DECODED);
      for (let i = 1; i < times.length; i++) steps.push(times[i] - times[i - 1]);
    }
    rows.push({ tokens, stepMs: median(steps) });
  }
  return rows;
}

/** Tokens per second over all streams, by their number. */
async function measureStreams(streams, counts, rounds) {
  const rows = [];
  for (const count of counts) {
    const running = new EndlessStreams(streams, count, { promptTokens: 16, newTokens: 200 });
    await running.allRunning;
    const paces = [];
    for (let round = 0; round < rounds; round++) {
      const began = performance.now();
      await setTimeout(1000);
      paces.push(running.pace(began, performance.now()));
    }
    await running.stop();
    rows.push({ count, tokensPerSecond: median(paces) });
  }
  return rows;
}

/** Time to first token, by the length of the prompt. */
async function measurePrompts(streams, sizes, rounds) {
  const rows = [];
  for (const tokens of sizes) {
    const firsts = [];
    for (let round = 0; round < rounds; round++) firsts.push(await streams.firstToken(tokens));
    const firstMs = median(firsts);
    rows.push({ tokens, firstMs, tokensPerSecond: (1000 * tokens) / firstMs });
  }
  return rows;
}

function report({ machine, model, limit, contexts, streams, prompts }) {
  return [
    machineLine(machine),
    model,
    table([
      ['tokens in the cache', 'decode step', '÷ first', '÷ limit of the weights'],
      ...contexts.map(({ tokens, stepMs }) => [
        tokens,
        milliseconds(stepMs),
        ratio(stepMs / contexts[0].stepMs),
        ratio(stepMs / limit.ms),
      ]),
    ]),
    table([
      ['streams', 'tokens/s over all', '÷ first', 'tokens/s of each'],
      ...streams.map(({ count, tokensPerSecond }) => [
        count,
        number(tokensPerSecond),
        ratio(tokensPerSecond / streams[0].tokensPerSecond),
        number(tokensPerSecond / count),
      ]),
    ]),
    table([
      ['tokens of the prompt', 'first token', 'tokens/s read'],
      ...prompts.map(({ tokens, firstMs, tokensPerSecond }) => [
        tokens,
        milliseconds(firstMs),
        number(tokensPerSecond),
      ]),
    ]),
  ].join('\n\n');
}
