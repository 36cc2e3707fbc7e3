import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** The server on a free port, in a process of its own. */
export class Server {
  /** Starts it and waits until the model is ready; `secondsToReady` counts from the start of the process. */
  static async start(env) {
    const started = performance.now();
    const main = fileURLToPath(new URL('../dist/main.js', import.meta.url));
    const child = spawn(process.execPath, [main], {
      env: { ...process.env, HOST: '127.0.0.1', PORT: '0', ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    process.once('exit', () => child.kill());
    const found = {};
    for await (const text of createInterface({ input: child.stdout })) {
      const line = JSON.parse(text);
      if (line.level === 'fatal') throw new Error(line.msg);
      found[line.msg] = line;
      if (found['model ready'] && found.listening) break;
    }
    child.stdout.resume();
    return new Server(child, found.listening.url, found['model ready'], (performance.now() - started) / 1000);
  }

  constructor(child, url, model, secondsToReady) {
    Object.assign(this, { child, url, model, secondsToReady });
  }

  /** Resident bytes, as Linux counts them. */
  get residentBytes() {
    const status = readFileSync(`/proc/${this.child.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)[1]) * 1024;
  }

  async stop() {
    this.child.kill();
    await new Promise((resolve) => this.child.once('exit', resolve));
  }
}
