/** What a user of a busy server feels, and what its operator sees: rows that are fair or not, whatever the throughput. */
import { describeEngine } from '../support/describe.mjs';
import { MODEL_OPTIONS, engineOptions } from '../support/environment.mjs';
import { measureChat, measureFirstToken, measurePace } from '../support/fairness.mjs';
import { measureServer, measureStarts } from '../support/operations.mjs';
import { latencies, megabytes, milliseconds, number, ratio, seconds, table } from '../support/report.mjs';
import { Streams } from '../support/streams.mjs';
import { Engine } from '../../dist/engine/index.js';

const LONG_PROMPT = 2000;
/** Left of the context for answers and second turns. */
const ROOM = 48;

export const options = {
  ...MODEL_OPTIONS,
  rounds: { type: 'string', default: '5' },
  seconds: { type: 'string', default: '10' },
};

export async function run(values) {
  const rounds = Number(values.rounds);
  const config = engineOptions(values);
  const engine = await Engine.load(config);
  const model = describeEngine(engine.info);
  const long = Math.min(LONG_PROMPT, engine.info.contextLength - ROOM);
  const streams = new Streams(engine);
  await streams.firstToken(long);
  const firstToken = await measureFirstToken(streams, { long, rounds, chunks: Math.ceil(long / config.prefillChunk) });
  const pace = await measurePace(streams, { long, rounds });
  const chat = await measureChat(streams, { long, rounds });
  await engine.dispose();
  const server = await measureServer(values, { long, seconds: Number(values.seconds) });
  const starts = await measureStarts(values, { rounds });
  const result = { model, long, firstToken, pace, chat, server, starts };
  return { result, text: report(result) };
}

function report({ model, long, firstToken, pace, chat, server, starts }) {
  return [
    model,
    table([
      ['what', 'measured', 'against', 'ratio'],
      [
        `first token of 10 tokens that arrive while ${long} are read, against alone; the difference in chunks`,
        `${milliseconds(firstToken.during)} (worst ${milliseconds(firstToken.worst)})`,
        milliseconds(firstToken.alone),
        `${number(firstToken.waitInChunks)} chunks of ${milliseconds(firstToken.chunk)}`,
      ],
      [
        `pace of 4 streams while ${long} tokens are read, against before`,
        `${number(pace.during)} tokens/s`,
        `${number(pace.before)} tokens/s`,
        ratio(pace.ratio),
      ],
      [
        `first token of a chat's second turn, against the first of ${long} tokens`,
        milliseconds(chat.second),
        milliseconds(chat.first),
        ratio(chat.ratio),
      ],
      [
        `/health/live under 8 streams and long prompts, against idle: p50 / p99 / max`,
        latencies(server.probesBusy),
        latencies(server.probesIdle),
        ratio(server.probesBusy.p99 / server.probesIdle.p99),
      ],
      [
        'resident memory, idle, against the weights as float32',
        megabytes(server.idleBytes),
        megabytes(server.floatBytes),
        ratio(server.idleBytes / server.floatBytes),
      ],
      [
        'start to ready with what an earlier start kept in CACHE_DIR, against without',
        seconds(starts.second),
        seconds(starts.first),
        ratio(starts.ratio),
      ],
    ]),
  ].join('\n\n');
}
