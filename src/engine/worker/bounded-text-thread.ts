import { EngineError } from '../errors.js';
import type { TextCall, TextMessage, TextWorkerData } from './protocol.js';
import { type WorkerHandlers, WorkerThread } from './worker-thread.js';

/** What one call may take. */
export interface TextBudget {
  readonly ms: number;
  /** Of memory that a template or a tokenizer can fill, in MiB. */
  readonly heapMiB: number;
}

/** Far above what the longest body takes that is let in; a template that loops for ever has to end some time. */
const BUDGET: TextBudget = { ms: 30_000, heapMiB: 2048 };

/**
 * A thread of text that does one call at a time, and is replaced by a new one when a call takes too long or too much: that
 * call fails, those behind it only wait a little longer.
 */
export class BoundedTextThread {
  private thread: WorkerThread<TextCall, TextMessage>;
  private ready = false;
  private waiting: TextCall[] = [];
  private current: TextCall | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly data: TextWorkerData,
    private readonly handlers: WorkerHandlers<TextMessage>,
    private readonly budget = BUDGET,
  ) {
    this.thread = this.start();
  }

  post(call: TextCall): void {
    this.waiting.push(call);
    this.advance();
  }

  /**
   * Takes back a call that has not begun; one that has is carried on with.
   *
   * @returns whether it was taken back
   */
  withdraw(call: number): boolean {
    const before = this.waiting.length;
    this.waiting = this.waiting.filter((waiting) => waiting.call !== call);
    return this.waiting.length < before;
  }

  async terminate(): Promise<void> {
    clearTimeout(this.timer);
    await this.thread.terminate();
  }

  private start(): WorkerThread<TextCall, TextMessage> {
    this.ready = false;
    const { heapMiB } = this.budget;
    return new WorkerThread('./text-worker.js', this.data, {
      maxHeapMiB: heapMiB,
      onMessage: (message) => this.receive(message),
      onFailure: (error, outOfMemory) => {
        // One that ends without being asked for anything would do so again.
        if (!this.current) return this.handlers.onFailure(error, outOfMemory);
        this.thread = this.start();
        if (outOfMemory) this.giveUp(`needed more memory than it may, ${heapMiB} MiB`);
        else this.failCall(() => error);
      },
    });
  }

  private receive(message: TextMessage): void {
    if (message.type === 'ready') this.ready = true;
    else this.finish();
    this.handlers.onMessage(message);
    this.advance();
  }

  private advance(): void {
    if (!this.ready || this.current) return;
    this.current = this.waiting.shift();
    if (!this.current) return;
    this.timer = setTimeout(() => {
      void this.thread.terminate();
      this.thread = this.start();
      this.giveUp(`took longer than it may, ${this.budget.ms / 1000} s`);
    }, this.budget.ms);
    this.thread.post(this.current);
  }

  private giveUp(reason: string): void {
    this.failCall((call) => refusalOf(call, reason));
  }

  private failCall(errorOf: (call: TextCall) => EngineError): void {
    const call = this.finish();
    if (!call) return;
    this.handlers.onMessage({ type: 'call_failed', call: call.call, error: errorOf(call).serialize() });
  }

  private finish(): TextCall | undefined {
    const { current } = this;
    clearTimeout(this.timer);
    this.current = undefined;
    return current;
  }
}

function refusalOf({ task }: TextCall, reason: string): EngineError {
  switch (task.kind) {
    case 'grammar':
      return new EngineError('grammar_invalid', `the grammar ${reason}, to be compiled`);
    case 'decode':
      return new EngineError('request_invalid', `the text of the tokens ${reason}`);
    case 'encode':
    case 'explain': {
      const code = task.prompt.kind === 'chat' ? 'template_failed' : 'request_invalid';
      return new EngineError(code, `the prompt ${reason}, to be rendered and tokenized`);
    }
  }
}
