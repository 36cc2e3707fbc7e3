import { cancelled, EngineError } from '../errors.js';
import type { CompiledGrammar } from '../grammar/compiled-grammar.js';
import type { Grammar } from '../grammar/grammar.js';
import type { Prompt, RenderedPrompt } from '../types.js';
import { BoundedTextThread, type TextBudget } from './bounded-text-thread.js';
import { Deferred } from './deferred.js';
import type { LoadedText, TextMessage, TextResult, TextTask, TextWorkerData } from './protocol.js';
import { Standstill } from './standstill.js';

/**
 * The text thread, as the main thread sees it. A call ends with `cancelled` when its signal fires, and if its turn has not come
 * by then, it is not carried out.
 */
export class TextThread {
  private readonly thread: BoundedTextThread;
  private readonly loading = new Deferred<LoadedText>();
  private readonly calls = new Map<number, Deferred<TextResult>>();
  private readonly standstill = new Standstill();
  private lastCall = 0;
  private failure: EngineError | undefined;

  constructor(
    modelPath: string,
    private readonly onFailure: (error: EngineError) => void,
    budget?: TextBudget,
  ) {
    const data: TextWorkerData = { modelPath };
    const onMessage = (message: TextMessage): void => this.receive(message);
    this.thread = new BoundedTextThread(data, { onMessage, onFailure: (error) => this.fail(error) }, budget);
  }

  /** @throws {EngineError} what is wrong with the tokenizer or the template */
  get loaded(): Promise<LoadedText> {
    return this.loading.promise;
  }

  /** Milliseconds for which there have been calls and none of them got done. */
  get stalledFor(): number {
    return this.standstill.duration;
  }

  /**
   * Renders and tokenizes a prompt.
   *
   * @throws {EngineError} template_failed, or what ended the thread
   */
  async encode(prompt: Prompt, signal?: AbortSignal): Promise<readonly number[]> {
    return (await this.call({ kind: 'encode', prompt }, signal)) as readonly number[];
  }

  /**
   * Renders and tokenizes a prompt, and tells what it did.
   *
   * @throws {EngineError} template_failed, or what ended the thread
   */
  async explain(prompt: Prompt, signal?: AbortSignal): Promise<RenderedPrompt> {
    return (await this.call({ kind: 'explain', prompt }, signal)) as RenderedPrompt;
  }

  /**
   * The text of token ids, special tokens included; ids without a token have none.
   *
   * @throws {EngineError} what ended the thread
   */
  async decode(ids: readonly number[], signal?: AbortSignal): Promise<string> {
    return (await this.call({ kind: 'decode', ids }, signal)) as string;
  }

  /**
   * Makes a grammar ready to be enforced.
   *
   * @param vocabSize how many logits the model has
   * @throws {EngineError} grammar_invalid, or what ended the thread
   */
  async compile(grammar: Grammar, vocabSize: number, signal?: AbortSignal): Promise<CompiledGrammar> {
    try {
      return (await this.call({ kind: 'grammar', grammar, vocabSize }, signal)) as CompiledGrammar;
    } catch (error) {
      // A message cannot hold it.
      if (error instanceof RangeError) throw new EngineError('grammar_invalid', 'the grammar is nested too deeply');
      throw error;
    }
  }

  /** Ends what runs, and whatever comes, with this error. */
  giveUp(error: EngineError): void {
    this.fail(error, false);
  }

  async dispose(): Promise<void> {
    this.giveUp(new EngineError('not_loaded', 'the model is being unloaded'));
    await this.thread.terminate();
  }

  private receive(message: TextMessage): void {
    switch (message.type) {
      case 'ready':
        return this.loading.resolve(message.loaded);
      case 'load_failed':
        return this.fail(EngineError.deserialize(message.error));
      case 'done':
        return this.take(message.call)?.resolve(message.result);
      case 'call_failed':
        return this.take(message.call)?.reject(EngineError.deserialize(message.error));
    }
  }

  private async call(task: TextTask, signal?: AbortSignal): Promise<TextResult> {
    if (this.failure) throw this.failure;
    if (signal?.aborted) throw cancelled();
    const call = ++this.lastCall;
    const answer = new Deferred<TextResult>();
    // First: it throws for what a message cannot hold.
    this.thread.post({ call, task });
    this.calls.set(call, answer);
    this.standstill.begin(call);
    const abort = (): void => {
      // What has begun is carried on with; nobody waits for it.
      if (this.thread.withdraw(call)) this.take(call);
      answer.reject(cancelled());
    };
    signal?.addEventListener('abort', abort, { once: true });
    try {
      return await answer.promise;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  private take(call: number): Deferred<TextResult> | undefined {
    const answer = this.calls.get(call);
    this.calls.delete(call);
    this.standstill.end(call);
    return answer;
  }

  private fail(error: EngineError, unexpected = true): void {
    if (this.failure) return;
    this.failure = error;
    this.loading.reject(error);
    for (const answer of this.calls.values()) answer.reject(error);
    this.calls.clear();
    if (unexpected) this.onFailure(error);
  }
}
