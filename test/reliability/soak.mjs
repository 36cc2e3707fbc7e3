/**
 * The server for a long time: requests of all kinds over all dialects, clients that leave, that do not read, that never end
 * what they begin, and requests that cannot be. Every answer must be right, and in the end nothing may be left.
 *
 *   npm run soak -- [minutes] [--clients 3] [--seed 1] [--json FILE] [--plot IMAGE.svg]
 */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { runClient } from './soak/client.mjs';
import { fill } from './soak/fill.mjs';
import { Http } from './soak/http.mjs';
import { Observer } from './soak/observer.mjs';
import { plotOf } from './soak/plot.mjs';
import { trendOf } from './soak/trend.mjs';
import { startServer } from './support/process.mjs';

const SLOTS = 4;
/** Seconds: longer than a stream has to wait for its next token, shorter than some clients do not read theirs. */
const READ_TIMEOUT = 5;
const LOOK_MS = 3_000;
/** How long what the last requests left may take to go. */
const SETTLE_MS = 20_000;
/** The share of a run in which caches fill, and what is made when it is first needed is made. */
const WARM_UP = 1 / 3;
/** What resident memory may grow by after that; ten kilobytes kept of each request are more in half an hour. */
const MOST_GROWTH_MB = 10;
/** In a run of fewer minutes than this all is warm-up, and what memory may grow by is this many MB since its begin. */
const SHORT = { minutes: 20, growthMB: 120 };
const HELD = ['descriptors', 'sockets', 'threads', 'running', 'waiting'];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    clients: { type: 'string', default: '3' },
    seed: { type: 'string', default: '1' },
    json: { type: 'string' },
    plot: { type: 'string' },
  },
});
const minutes = Number(positionals[0] ?? 3);
const seed = Number(values.seed);
const tally = {};
const wrongAnswers = [];
const complaints = [];

const { child, url } = await startServer(
  { CACHE_DIR: 'none', READ_TIMEOUT: `${READ_TIMEOUT}`, MAX_BATCH_SIZE: `${SLOTS}` },
  (line) => {
    if (['error', 'fatal'].includes(line.level)) complaints.push(JSON.stringify(line));
  },
);
process.once('exit', () => child.kill('SIGKILL'));
const observer = new Observer(child.pid, new Http(url));

// What is made when it is first needed is there from now on, and what has a bound has grown to it.
await traffic(1, 0);
await fill(new Http(url), SLOTS);
const baseline = await observer.look();
const ended = new AbortController();
const looking = lookUntil(ended.signal);
observer.begin();
await traffic(Number(values.clients), minutes);
ended.abort();
await looking;
const last = await settled();
const exited = once(child, 'exit');
child.kill('SIGTERM');
const [code] = await exited;

const steady = observer.samples.filter(({ minutes: at }) => at >= minutes * WARM_UP && at <= minutes);
const trend = trendOf(steady.map((sample) => [sample.minutes, sample.residentMB]));
const growthMB = trend.slope * minutes * (1 - WARM_UP);
const grewTooMuch =
  minutes < SHORT.minutes
    ? last.residentMB - baseline.residentMB > SHORT.growthMB
    : trend.low > 0 && growthMB > MOST_GROWTH_MB;
const { accepted, completed, failed, cancelled, open } = last.ledger;
const heldMore = HELD.filter((what) => last[what] > baseline[what]);
const checks = {
  [`every answer is right: ${sumOf(tally)} requests of ${Object.keys(tally).length} kinds`]: wrongAnswers,
  'the server had nothing to complain about': complaints,
  [`nothing is lost: accepted ${accepted} = completed ${completed} + failed ${failed} + cancelled ${cancelled}`]: [
    ...observer.faults,
    ...(open > 0 ? [`${open} are open`] : []),
  ],
  [`nothing is left: ${HELD.map((what) => `${what} ${last[what]}`).join(', ')}`]: heldMore.map(
    (what) => `${what} were ${baseline[what]}`,
  ),
  [`memory stays: ${last.residentMB.toFixed(0)} MB, ${perHour(trend)}`]: grewTooMuch
    ? [`it was ${baseline.residentMB.toFixed(0)} MB`]
    : [],
  'SIGTERM ends it with 0': code === 0 ? [] : [`it was ${code}`],
};
for (const [what, wrong] of Object.entries(checks)) {
  console.log(`${wrong.length === 0 ? 'ok    ' : 'FAILED'} ${what}`);
  for (const line of wrong.slice(0, 20)) console.log(`       ${line}`);
}
if (values.plot) writeFileSync(values.plot, plotOf(observer.samples.filter((sample) => sample.minutes <= minutes)));
if (values.json) {
  const { samples } = observer;
  const result = { minutes, clients: Number(values.clients), tally, checks, trend, growthMB, baseline, last, samples };
  writeFileSync(values.json, `${JSON.stringify(result, undefined, 2)}\n`);
}
const failures = Object.values(checks).filter((wrong) => wrong.length > 0).length;
console.log(`${Object.keys(checks).length - failures} passed, ${failures} failed`);
process.exitCode = failures === 0 ? 0 : 1;

async function traffic(clients, minutes) {
  const http = new Http(url);
  const until = performance.now() + 60_000 * minutes;
  await Promise.all(
    Array.from({ length: clients }, (_, i) => runClient(http, { seed: seed + i, until, tally, faults: wrongAnswers })),
  );
  http.close();
}

async function lookUntil(signal) {
  for (;;) {
    await observer.look();
    try {
      await setTimeout(LOOK_MS, undefined, { signal });
    } catch {
      return;
    }
  }
}

/** Looks until nothing is left of what the last requests were, or for long enough. */
async function settled() {
  const deadline = performance.now() + SETTLE_MS;
  for (;;) {
    const sample = await observer.look();
    const atRest = sample.ledger.open === 0 && HELD.every((what) => sample[what] <= baseline[what]);
    if (atRest || performance.now() > deadline) return sample;
    await setTimeout(100);
  }
}

function perHour({ slope, low, high }) {
  const [middle, least, most] = [slope, low, high].map((value) => (60 * value).toFixed(1));
  return `${middle} MB/h (${least} to ${most})`;
}

function sumOf(counts) {
  return Object.values(counts).reduce((sum, number) => sum + number, 0);
}
