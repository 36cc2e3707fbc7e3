import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { ROOT } from './folders.js';
import { Scrape } from './metrics.js';

/** Servers that a failed test left behind would keep the test run from ending. */
const running = new Set<ChildProcess>();
afterAll(() => {
  for (const child of running) child.kill('SIGKILL');
});

export interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** For `NODE_OPTIONS` of a server that is to have a fault: see there. */
export const FAULT_PRELOAD = `--import=${pathToFileURL(join(ROOT, 'test/support/fault.mjs')).href}`;

/** For the environment of a server whose answers are to be running still when something happens. */
export const SLOW_STEPS = { NODE_OPTIONS: FAULT_PRELOAD, FAULT_STEP_MS: '30' };

/** An answer that, with slow steps, takes as long as a test may: none waits for its end. */
export const ENDLESS = { prompt: 'x', max_tokens: 2000, ignore_eos: true, stream: true };

/** The real server, in a process of its own, on a port that is free. */
export class ServerProcess {
  readonly logs: LogLine[] = [];
  /** What it wrote that is not a log line: nothing, if all is well. */
  readonly noise: string[] = [];
  readonly exited: Promise<Exit>;
  private readonly child: ChildProcess;
  private readonly watchers = new Set<() => void>();
  private ended = false;

  /** @param within a command that runs the one that follows it */
  constructor(env: Record<string, string> = {}, within: readonly string[] = []) {
    const [command, ...args] = [...within, process.execPath, '--max-semi-space-size=1', join(ROOT, 'dist/main.js')];
    this.child = spawn(command, args, {
      // Nothing of the test runner's own environment, which would change what Node does.
      env: { PATH: process.env.PATH, HOST: '127.0.0.1', PORT: '0', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    running.add(this.child);
    const { stdout, stderr } = this.child;
    if (!stdout || !stderr) throw new Error('no output to read');
    const ends = [stdout, stderr].map((stream) => {
      const lines = createInterface({ input: stream });
      lines.on('line', (line) => this.read(line));
      return new Promise((resolve) => lines.once('close', resolve));
    });
    this.exited = new Promise((resolve) => {
      this.child.once('exit', (code, signal) => {
        running.delete(this.child);
        void Promise.all(ends).then(() => {
          this.ended = true;
          this.wake();
          resolve({ code, signal });
        });
      });
    });
  }

  /** Starts a server and waits until its model is loaded. */
  static async ready(env?: Record<string, string>): Promise<ServerProcess> {
    const server = new ServerProcess(env);
    await server.log('model ready');
    await server.url();
    return server;
  }

  get pid(): number {
    return this.child.pid as number;
  }

  /** Waits for a line of the log. */
  log(message: string): Promise<LogLine> {
    return this.find((line) => line.msg === message, `the line "${message}"`);
  }

  async find(wanted: (line: LogLine) => boolean, what = 'a line'): Promise<LogLine> {
    for (;;) {
      const line = this.logs.find(wanted);
      if (line) return line;
      if (this.ended) throw new Error(`the server ended without ${what}:\n${this.output()}`);
      await new Promise<void>((resolve) => this.watchers.add(resolve));
    }
  }

  async url(path = ''): Promise<string> {
    return `${(await this.log('listening')).url as string}${path}`;
  }

  async fetch(path: string, init?: RequestInit): Promise<Response> {
    return fetch(await this.url(path), init);
  }

  post(path: string, body: unknown, init?: RequestInit): Promise<Response> {
    return this.fetch(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: typeof body === 'string' ? body : JSON.stringify(body),
      ...init,
    });
  }

  async scrape(init?: RequestInit): Promise<Scrape> {
    return new Scrape(await (await this.fetch('/metrics', init)).text());
  }

  /** Scrapes until a sample has a value. */
  async scrapeUntil(sample: string, value: number, init?: RequestInit): Promise<Scrape> {
    for (;;) {
      const scraped = await this.scrape(init);
      if (scraped.of(sample) === value) return scraped;
    }
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Exit> {
    this.child.kill(signal);
    return this.exited;
  }

  output(): string {
    return [...this.logs.map((line) => JSON.stringify(line)), ...this.noise].join('\n');
  }

  private read(line: string): void {
    try {
      this.logs.push(JSON.parse(line) as LogLine);
    } catch {
      this.noise.push(line);
    }
    this.wake();
  }

  private wake(): void {
    for (const watcher of this.watchers) watcher();
    this.watchers.clear();
  }
}
