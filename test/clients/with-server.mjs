// Runs a command while the real server runs, with the server's address in ROOST_URL; run.sh calls it:
//
//   node with-server.mjs [NAME=VALUE ...] -- COMMAND [ARGUMENT ...]
//
// NAME=VALUE is for the server's environment. It also is one check of its own: that the server ran all the time, wrote
// nothing but log lines, and stopped when it was asked to.
import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const START_TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 30_000;

const repository = fileURLToPath(new URL('../../', import.meta.url));
const separator = process.argv.indexOf('--');
const settings = process.argv.slice(2, separator).map((setting) => /^([^=]+)=(.*)$/.exec(setting).slice(1));
const [command, ...args] = process.argv.slice(separator + 1);

const lines = [];
const server = spawn(process.execPath, ['--max-semi-space-size=1', `${repository}dist/main.js`], {
  env: {
    PATH: process.env.PATH,
    HOST: '127.0.0.1',
    PORT: '0',
    MODEL_PATH: `${repository}models/demo`,
    ...Object.fromEntries(settings),
  },
  stdio: ['ignore', 'pipe', 'pipe'],
});
const serverEnd = new Promise((resolve) => server.once('close', (code, signal) => resolve(signal ?? code)));
const url = await listening();
if (url === undefined) {
  server.kill('SIGKILL');
  await serverEnd;
  finish('it did not start');
} else {
  const status = await run({ ...process.env, ROOST_URL: url });
  finish(await stop());
  process.exitCode ||= status;
}

/** The server's address, once its model is loaded; undefined when that does not come to pass. */
async function listening() {
  const isReady = new Promise((resolve) => {
    for (const stream of [server.stdout, server.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        lines.push(line);
        const [listens, isLoaded] = ['listening', 'model ready'].map((msg) =>
          lines.map(parse).find((l) => l?.msg === msg),
        );
        if (listens && isLoaded) resolve(listens.url);
      });
    }
  });
  return before(START_TIMEOUT_MS, Promise.race([isReady, serverEnd.then(() => undefined)]));
}

/** Runs the command; when this process is asked to end, the command and the server are as well. */
function run(env) {
  const child = spawn(command, args, { env, stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  return new Promise((resolve) => {
    child.once('error', (error) => {
      console.error(`${command}: ${error.message}`);
      resolve(127);
    });
    child.once('close', (code) => resolve(code ?? 1));
  });
}

/** Stops the server; tells what was wrong with it. */
async function stop() {
  const hasEnded = server.exitCode !== null || server.signalCode !== null;
  server.kill('SIGTERM');
  const end = await before(STOP_TIMEOUT_MS, serverEnd);
  if (end === undefined) {
    server.kill('SIGKILL');
    await serverEnd;
    return 'it did not stop';
  }
  if (hasEnded) return `it ended by itself, with ${end}`;
  if (end !== 0) return `it ended with ${end} when it was asked to stop`;
  const noise = lines.filter((line) => parse(line) === undefined);
  return noise.length > 0 ? `it wrote what is no log line: ${noise[0]}` : undefined;
}

function finish(fault) {
  console.log(fault === undefined ? 'the server: ok' : `the server: FAILED: ${fault}`);
  if (fault !== undefined) {
    for (const line of lines.filter((line) => !(parse(line)?.level === 'info')).slice(-5)) console.log(`  ${line}`);
    process.exitCode = 1;
  }
  const counts = process.env.ROOST_CLIENTS_COUNTS;
  if (counts) appendFileSync(counts, fault === undefined ? '1 0\n' : '0 1\n');
}

function parse(line) {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** A promise's value, or undefined if that takes too long. */
async function before(ms, promise) {
  let timer;
  const timeout = new Promise((resolve) => (timer = setTimeout(resolve, ms)));
  return Promise.race([promise, timeout]).finally(() => clearTimeout(timer));
}
