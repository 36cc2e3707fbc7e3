import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../../dist/main.js', import.meta.url));

/**
 * Starts the server, as it ships, on a free port, and waits until it answers.
 *
 * @param onLine called with each line of its log
 */
export async function startServer(env, onLine) {
  const child = spawn(process.execPath, ['--max-semi-space-size=1', MAIN], {
    env: { PATH: process.env.PATH, HOST: '127.0.0.1', PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout });
  const url = await new Promise((resolve, reject) => {
    const seen = new Map();
    lines.on('line', (line) => {
      const entry = JSON.parse(line);
      onLine?.(entry);
      seen.set(entry.msg, entry);
      if (seen.has('listening') && seen.has('model ready')) resolve(seen.get('listening').url);
    });
    child.once('exit', (code, signal) => reject(new Error(`the server ended with ${code ?? signal}`)));
  });
  return { child, url };
}
