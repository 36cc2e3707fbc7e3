import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { demoCases } from '../../support/golden.js';
import { ServerProcess } from '../../support/server.js';
import { type RawAnswer, type RawRequest, send } from './raw.js';

/** How long what a request left behind may take to go. */
const SETTLE_MS = 10_000;

/** What a process holds; in the end, that of one that did nothing. */
interface Holdings {
  readonly descriptors: number;
  readonly sockets: number;
  readonly threads: number;
  /** Requests that run or wait, as the server counts them. */
  readonly requests: number;
}

/** The real server, with a model whose answers are known, and what it holds when it has nothing to do. */
export class Subject {
  private baseline!: Holdings;

  private constructor(
    readonly server: ServerProcess,
    readonly url: string,
    private readonly headers: Readonly<Record<string, string>>,
  ) {}

  /** @param headers of every request, for a server that asks for a key */
  static async start(env: Record<string, string> = {}, headers: Record<string, string> = {}): Promise<Subject> {
    const server = await ServerProcess.ready(env);
    const subject = new Subject(server, await server.url(), headers);
    // What is made when it is first needed is there from now on.
    for (let i = 0; i < 3; i++) await subject.answersAsEver();
    subject.baseline = await subject.holdings();
    return subject;
  }

  send(request: RawRequest): Promise<RawAnswer> {
    return send(this.url, { ...request, headers: { ...this.headers, ...request.headers } });
  }

  /** The next normal request has its golden answer, and nothing of those before is left. */
  async isUnharmed(): Promise<void> {
    await this.answersAsEver();
    await this.isAtRest();
    expect(this.server.noise).toEqual([]);
  }

  private async answersAsEver(): Promise<void> {
    const { status, body } = await this.send({ path: '/generate', body: JSON.stringify({ prompt: GOLDEN.prompt }) });
    expect({ status, body: JSON.parse(body) as unknown }).toEqual({ status: 200, body: GOLDEN.answer });
  }

  private async isAtRest(): Promise<void> {
    const deadline = performance.now() + SETTLE_MS;
    for (;;) {
      const now = await this.holdings();
      const grown = Object.entries(this.baseline).filter(([what, before]) => now[what as keyof Holdings] > before);
      if (grown.length === 0) return;
      if (performance.now() > deadline) expect(now).toEqual(this.baseline);
      await setTimeout(20);
    }
  }

  private async holdings(): Promise<Holdings> {
    const process = `/proc/${this.server.pid}`;
    const descriptors = readdirSync(`${process}/fd`).flatMap((fd) => linkOf(`${process}/fd/${fd}`) ?? []);
    return {
      descriptors: descriptors.length,
      sockets: descriptors.filter((target) => target.startsWith('socket:')).length,
      threads: Number(/^Threads:\s+(\d+)/m.exec(readFileSync(`${process}/status`, 'utf8'))?.[1]),
      requests: await this.pendingRequests(),
    };
  }

  private async pendingRequests(): Promise<number> {
    const { status, body } = await this.send({ method: 'GET', path: '/metrics' });
    if (status === 404) return 0;
    const values = [...body.matchAll(/^\S*num_requests_(?:running|waiting)(?:\{.*\})? (\d+)/gm)];
    expect(values.length).toBeGreaterThanOrEqual(2);
    return values.reduce((sum, [, value]) => sum + Number(value), 0);
  }
}

/** A descriptor may be closed while it is looked at. */
function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

/** The shortest answer to a single question that torch and transformers gave. */
const GOLDEN = (() => {
  const [{ messages, text, input_ids, output_ids }] = demoCases()
    .filter(({ messages, tools, template }) => messages.length === 1 && !tools && !template)
    .sort((a, b) => a.output_ids.length - b.output_ids.length);
  const answer = { response: text, input_token_count: input_ids.length, output_token_count: output_ids.length };
  return { prompt: messages[0].content, answer };
})();
