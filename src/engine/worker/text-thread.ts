import { EngineError } from '../errors.js';
import type { CompiledGrammar } from '../grammar/compiled-grammar.js';
import type { Grammar } from '../grammar/grammar.js';
import type { Prompt, RenderedPrompt } from '../types.js';
import { Deferred } from './deferred.js';
import type { LoadedText, TextCall, TextMessage, TextResult, TextTask, TextWorkerData } from './protocol.js';
import { WorkerThread } from './worker-thread.js';

/** The text thread, as the main thread sees it. */
export class TextThread {
  private readonly thread: WorkerThread<TextCall, TextMessage>;
  private readonly loading = new Deferred<LoadedText>();
  private readonly calls = new Map<number, Deferred<TextResult>>();
  private lastCall = 0;
  private failure: EngineError | undefined;

  constructor(
    modelPath: string,
    private readonly onFailure: (error: EngineError) => void,
  ) {
    const data: TextWorkerData = { modelPath };
    this.thread = new WorkerThread('./text-worker.js', data, {
      onMessage: (message) => this.receive(message),
      onFailure: (error) => this.fail(error),
    });
  }

  /** @throws {EngineError} what is wrong with the tokenizer or the template */
  get loaded(): Promise<LoadedText> {
    return this.loading.promise;
  }

  /**
   * Renders and tokenizes a prompt.
   *
   * @throws {EngineError} template_failed, or what ended the thread
   */
  async encode(prompt: Prompt): Promise<readonly number[]> {
    return (await this.call({ kind: 'encode', prompt })) as readonly number[];
  }

  /**
   * Renders and tokenizes a prompt, and tells what it did.
   *
   * @throws {EngineError} template_failed, or what ended the thread
   */
  async explain(prompt: Prompt): Promise<RenderedPrompt> {
    return (await this.call({ kind: 'explain', prompt })) as RenderedPrompt;
  }

  /**
   * The text of token ids, special tokens included; ids without a token have none.
   *
   * @throws {EngineError} what ended the thread
   */
  async decode(ids: readonly number[]): Promise<string> {
    return (await this.call({ kind: 'decode', ids })) as string;
  }

  /**
   * Makes a grammar ready to be enforced.
   *
   * @param vocabSize how many logits the model has
   * @throws {EngineError} grammar_invalid, or what ended the thread
   */
  async compile(grammar: Grammar, vocabSize: number): Promise<CompiledGrammar> {
    try {
      return (await this.call({ kind: 'grammar', grammar, vocabSize })) as CompiledGrammar;
    } catch (error) {
      // A message cannot hold it.
      if (error instanceof RangeError) throw new EngineError('grammar_invalid', 'the grammar is nested too deeply');
      throw error;
    }
  }

  async dispose(): Promise<void> {
    this.fail(new EngineError('not_loaded', 'the model is being unloaded'), false);
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

  private async call(task: TextTask): Promise<TextResult> {
    if (this.failure) throw this.failure;
    const call = ++this.lastCall;
    const answer = new Deferred<TextResult>();
    this.calls.set(call, answer);
    this.thread.post({ call, task });
    return answer.promise;
  }

  private take(call: number): Deferred<TextResult> | undefined {
    const answer = this.calls.get(call);
    this.calls.delete(call);
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
