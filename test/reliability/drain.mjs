/**
 * SIGTERM in the middle of the work of ten clients, again and again: no accepted answer is lost, nobody finds the port
 * closed while answers are finished, and the process ends with 0 in time.
 *
 *   node test/reliability/drain.mjs [rounds]
 */
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { startServer } from './support/process.mjs';

const CLIENTS = 10;
const SHUTDOWN_TIMEOUT = 60;
/** Between the end of the last answer in the server and at its client. */
const SLACK_MS = 500;

/** Asks for answer after answer until the port is closed. */
async function client(url, round, log) {
  for (let i = 0; ; i++) {
    let accepted = false;
    try {
      const response = await fetch(`${url}/v1/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          prompt: `Round ${round}, question ${i}: what is a token?`,
          max_tokens: 40,
          ignore_eos: true,
          stream: i % 3 > 0,
        }),
      });
      if (response.status === 503) {
        if (response.headers.get('connection') !== 'close') log.faults.push('503 without Connection: close');
        await response.text();
        log.refused++;
        // As a client would that tries another replica first.
        await setTimeout(20);
        continue;
      }
      accepted = response.status === 200;
      const body = await response.text();
      const complete = i % 3 > 0 ? body.endsWith('data: [DONE]\n\n') : JSON.parse(body).usage.completion_tokens === 40;
      if (!accepted || !complete) log.faults.push(`${response.status}: ${body.slice(-200)}`);
      log.completed++;
      log.lastAnswer = performance.now();
    } catch (error) {
      if (accepted) log.faults.push(`an accepted answer was lost: ${error}`);
      else log.closed.push(performance.now());
      return;
    }
  }
}

async function round(number) {
  const { child, url } = await startServer({ CACHE_DIR: 'none', SHUTDOWN_TIMEOUT });
  const log = { completed: 0, refused: 0, faults: [], closed: [], lastAnswer: 0 };
  const clients = Array.from({ length: CLIENTS }, () => client(url, number, log));
  while (log.completed < 3) await setTimeout(5);
  await setTimeout(Math.random() * 500);
  const began = performance.now();
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  const [code, signal] = await exit;
  const seconds = (performance.now() - began) / 1000;
  await Promise.all(clients);
  if (code !== 0) log.faults.push(`the process ended with ${code ?? signal}`);
  if (seconds > SHUTDOWN_TIMEOUT) log.faults.push(`the end took ${seconds} s`);
  if (Math.min(...log.closed) < log.lastAnswer - SLACK_MS) log.faults.push('the port was closed while answers ran');
  const { completed, refused } = log;
  console.log(`round ${number}: ${completed} completed, ${refused} refused, ended in ${seconds.toFixed(2)} s`);
  for (const fault of log.faults) console.log(`  ${fault}`);
  return log.faults.length === 0;
}

const rounds = Number(process.argv[2] ?? 20);
let passed = 0;
for (let number = 1; number <= rounds; number++) if (await round(number)) passed++;
console.log(`${passed} passed, ${rounds - passed} failed`);
process.exitCode = passed === rounds ? 0 : 1;
