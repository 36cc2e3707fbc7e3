/**
 * Measures the server: npm run bench -- [--model FOLDER] [--clients 1,8] [--new-tokens 64] [--rounds 3] [--json FILE]
 *
 * The engine on its own (no HTTP) and the server take turns, so that what the machine does meanwhile hits both.
 */
import { writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { Engine } from '../dist/engine/index.js';
import { firstToken, load, probesDuring, prompt } from './load.mjs';
import { Server } from './server.mjs';
import { median, table } from './statistics.mjs';

const { values: options } = parseArgs({
  options: {
    model: { type: 'string', default: new URL('../models/demo', import.meta.url).pathname },
    clients: { type: 'string', default: '1,8' },
    'new-tokens': { type: 'string', default: '64' },
    rounds: { type: 'string', default: '3' },
    json: { type: 'string' },
  },
});
const newTokens = Number(options['new-tokens']);
const rounds = Number(options.rounds);
const WORDS = 40;

/** Tokens per second of the engine alone, with as many requests as the server gets. */
async function engineLoad(engine, { clients, requests }) {
  let next = 0;
  let tokens = 0;
  const started = performance.now();
  const client = async () => {
    while (next < requests) {
      const messages = [{ role: 'user', content: prompt(next++, WORDS) }];
      const ask = engine.info.hasChatTemplate
        ? { kind: 'chat', messages, addGenerationPrompt: true }
        : { kind: 'text', text: messages[0].content };
      for await (const event of engine.generate({
        prompt: ask,
        maxNewTokens: newTokens,
        sampling: { temperature: 0 },
      })) {
        if (event.type === 'finish') tokens += event.newTokens;
      }
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  return (tokens * 1000) / (performance.now() - started);
}

async function measure() {
  const engineOptions = { modelPath: options.model, device: 'auto', dtype: 'auto', maxBatchSize: 8, prefillChunk: 256 };
  const engine = await Engine.load(engineOptions);
  const server = await Server.start({ MODEL_PATH: options.model, LOG_LEVEL: 'info' });
  const idleBytes = server.residentBytes;
  const { model, secondsToReady, url } = server;
  await load(url, { clients: 1, requests: 2, words: WORDS, newTokens });
  await engineLoad(engine, { clients: 1, requests: 2 });

  const throughput = [];
  for (const clients of options.clients.split(',').map(Number)) {
    const requests = Math.max(6, 3 * clients);
    const results = { server: [], engine: [] };
    for (let round = 0; round < rounds; round++) {
      results.server.push(await load(url, { clients, requests, words: WORDS, newTokens }));
      results.engine.push(await engineLoad(engine, { clients, requests }));
    }
    throughput.push({
      clients,
      serverTokensPerSecond: median(results.server.map((result) => result.tokensPerSecond)),
      engineTokensPerSecond: median(results.engine),
      latencyP50: median(results.server.map((result) => result.latencyP50)),
      latencyP99: median(results.server.map((result) => result.latencyP99)),
    });
  }
  await engine.dispose();
  const short = await firstToken(url, { times: 10, words: 10 });
  // A word of these prompts is up to three tokens.
  const longWords = Math.min(1500, Math.floor(model.context_length / 3));
  const long = await firstToken(url, { times: 3, words: longWords });
  const idle = await probesDuring(url, () => new Promise((resolve) => setTimeout(resolve, 500)));
  const prefill = await probesDuring(url, () => firstToken(url, { times: 3, words: longWords }));
  const busyBytes = server.residentBytes;
  await server.stop();
  const floatBytes = model.parameters * 4;
  return {
    model,
    secondsToReady,
    idleBytes,
    busyBytes,
    floatBytes,
    throughput,
    short,
    long,
    longWords,
    probes: { idle, prefill },
  };
}

function report(result) {
  const { model, throughput, probes } = result;
  const ms = (value) => `${value.toFixed(1)} ms`;
  const mb = (bytes) => `${Math.round(bytes / 1e6)} MB`;
  const machine = `${cpus()[0].model.trim()}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`;
  const parts = [
    `${model.model} (${model.architecture}, ${(model.parameters / 1e6).toFixed(0)} M parameters, ${model.dtype}), ${model.threads} threads; ${machine}`,
    table([
      ['clients', 'server, tokens/s', 'engine alone, tokens/s', 'server / engine', 'latency p50', 'latency p99'],
      ...throughput.map((row) => [
        row.clients,
        row.serverTokensPerSecond.toFixed(1),
        row.engineTokensPerSecond.toFixed(1),
        (row.serverTokensPerSecond / row.engineTokensPerSecond).toFixed(2),
        ms(row.latencyP50),
        ms(row.latencyP99),
      ]),
    ]),
    table([
      ['what', 'value'],
      ['from process start to ready', `${result.secondsToReady.toFixed(2)} s`],
      [
        'resident memory, idle',
        `${mb(result.idleBytes)} (${(result.idleBytes / result.floatBytes).toFixed(2)} × the weights as float32)`,
      ],
      ['resident memory, afterwards', mb(result.busyBytes)],
      ['time to first token, prompt of 10 words, p50', ms(result.short.p50)],
      [`time to first token, prompt of ${result.longWords} words, p50`, ms(result.long.p50)],
      [
        '/health/live, idle, p50 / p99 / max',
        `${ms(probes.idle.p50)} / ${ms(probes.idle.p99)} / ${ms(probes.idle.max)}`,
      ],
      [
        `/health/live during prompts of ${result.longWords} words, p50 / p99 / max of ${probes.prefill.count}`,
        `${ms(probes.prefill.p50)} / ${ms(probes.prefill.p99)} / ${ms(probes.prefill.max)}`,
      ],
    ]),
  ];
  console.log(parts.join('\n\n'));
}

const result = await measure();
report(result);
if (options.json) writeFileSync(options.json, JSON.stringify(result, undefined, 2));
