/** Thread of text: renders chat templates and tokenizes prompts, which for long or hostile ones takes seconds. */
import { parentPort, workerData } from 'node:worker_threads';
import { EngineError } from '../errors.js';
import { collectGarbage } from '../garbage.js';
import { GrammarCompiler } from '../grammar/grammar-compiler.js';
import { PromptEncoder } from '../tokens/prompt-encoder.js';
import type { TextCall, TextMessage, TextResult, TextTask, TextWorkerData } from './protocol.js';

if (!parentPort) throw new Error('text-worker runs as a worker thread');
const port = parentPort;
const { modelPath } = workerData as TextWorkerData;

const post = (message: TextMessage): void => port.postMessage(message);

function load(): PromptEncoder | undefined {
  try {
    return PromptEncoder.load(modelPath);
  } catch (error) {
    post({ type: 'load_failed', error: EngineError.from(error).serialize() });
    return undefined;
  }
}

const encoder = load();
let compiler: GrammarCompiler | undefined;

function carryOut(encoder: PromptEncoder, task: TextTask): TextResult {
  switch (task.kind) {
    case 'encode':
      return encoder.encode(task.prompt);
    case 'explain':
      return encoder.explain(task.prompt);
    case 'decode':
      return encoder.decode(task.ids);
    case 'grammar':
      compiler ??= new GrammarCompiler(encoder.tokenizer, task.vocabSize);
      return compiler.compile(task.grammar);
  }
}

function answer(encoder: PromptEncoder, { call, task }: TextCall): void {
  try {
    post({ type: 'done', call, result: carryOut(encoder, task) });
  } catch (error) {
    post({ type: 'call_failed', call, error: EngineError.from(error).serialize() });
  }
}

if (encoder) {
  port.on('message', (call: TextCall) => answer(encoder, call));
  collectGarbage();
  const { hasChatTemplate, chatTemplates } = encoder;
  post({ type: 'ready', loaded: { hasChatTemplate, chatTemplates } });
}
