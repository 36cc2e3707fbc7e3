import { mkdtempSync, openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ProcessGroup } from './process-group.mjs';

const POLL_MS = 10;
const LAST_LINES = 20;
const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

/** Any server in processes of its own, from its start to its end. */
export class Server {
  /** Starts our server on a free port, and waits until the model is loaded. */
  static async own(env) {
    const port = await freePort();
    return Server.start(process.execPath, ['--max-semi-space-size=1', MAIN], `http://127.0.0.1:${port}`, {
      HOST: '127.0.0.1',
      PORT: port,
      ...env,
    });
  }

  /** Runs a command of the shell, and waits until `/health` answers 200. */
  static command(command, url) {
    return Server.start('/bin/sh', ['-c', command], url);
  }

  static async start(command, args, url, env = {}) {
    const log = join(mkdtempSync(join(tmpdir(), 'bench-')), 'log');
    const output = openSync(log, 'w');
    const group = new ProcessGroup(command, args, {
      env: { ...process.env, ...env },
      stdio: ['ignore', output, output],
    });
    const ended = group.exited.then((reason) => {
      const lines = readFileSync(log, 'utf8').trimEnd().split('\n').slice(-LAST_LINES);
      throw new Error(`${url} ended (${reason}) before it was ready:\n${lines.join('\n')}`);
    });
    await Promise.race([ready(url), ended]);
    return new Server(url, group, (performance.now() - group.started) / 1000);
  }

  constructor(url, group, secondsToReady) {
    Object.assign(this, { url, group, secondsToReady });
  }

  stop() {
    return this.group.stop();
  }
}

async function ready(url) {
  for (;;) {
    const status = await fetch(`${url}/health`).then(
      (response) => response.status,
      () => undefined,
    );
    if (status === 200) return;
    await setTimeout(POLL_MS);
  }
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
