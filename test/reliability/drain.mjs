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
    } catch (error) {
      if (accepted) log.faults.push(`an accepted answer was lost: ${error}`);
      else log.closed.push(Date.now());
      return;
    }
  }
}

async function round(number) {
  const log = { completed: 0, refused: 0, faults: [], closed: [], given: 0, unloaded: Infinity };
  const { child, url } = await startServer({ CACHE_DIR: 'none', SHUTDOWN_TIMEOUT }, ({ msg, status, time }) => {
    if (msg === 'request' && status === 200) log.given++;
    // From here on an answer that ran would have an error.
    if (msg === 'model unloaded') log.unloaded = Date.parse(time);
  });
  const clients = Array.from({ length: CLIENTS }, () => client(url, number, log));
  while (log.completed < 3) await setTimeout(5);
  await setTimeout(Math.random() * 500);
  const began = performance.now();
  // With all that it wrote.
  const exit = once(child, 'close');
  child.kill('SIGTERM');
  const [code, signal] = await exit;
  const seconds = (performance.now() - began) / 1000;
  await Promise.all(clients);
  if (code !== 0) log.faults.push(`the process ended with ${code ?? signal}`);
  if (seconds > SHUTDOWN_TIMEOUT) log.faults.push(`the end took ${seconds} s`);
  const { completed, refused, given } = log;
  if (given !== completed) log.faults.push(`the server gave ${given} answers`);
  // Both by the machine's clock: a client cannot see that the port is closed before it is.
  if (Math.min(...log.closed) < log.unloaded) log.faults.push('the port was closed while answers ran');
  console.log(`round ${number}: ${completed} completed, ${refused} refused, ended in ${seconds.toFixed(2)} s`);
  for (const fault of log.faults) console.log(`  ${fault}`);
  return log.faults.length === 0;
}

const rounds = Number(process.argv[2] ?? 20);
let passed = 0;
for (let number = 1; number <= rounds; number++) if (await round(number)) passed++;
console.log(`${passed} passed, ${rounds - passed} failed`);
process.exitCode = passed === rounds ? 0 : 1;
