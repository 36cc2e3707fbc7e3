import { setImmediate } from 'node:timers/promises';
import { GenerationLoop } from '../../dist/engine/batching/generation-loop.js';
import { LoadedModel } from '../../dist/engine/model/loaded-model.js';
import { OrtInterrupt } from '../../dist/engine/ort/interrupt.js';
import { resolveSampling } from '../../dist/engine/sampling/sampling-parameters.js';

/**
 * The step loop on this thread, with no other thread and no messages: the most that the server could deliver.
 *
 * @returns a function: prompt → { tokens, firstMs } of its answer
 */
export async function loadLoop(config) {
  const { info, defaults, runner, tokenizer } = await LoadedModel.load(config, new OrtInterrupt().handles);
  const loop = new GenerationLoop(runner, {
    slots: info.slots,
    prefillChunk: config.prefillChunk,
    prefixCaching: true,
    speculativeTokens: config.speculativeTokens,
    eosIds: defaults.eosIds,
    createDetokenizer: (skipSpecialTokens) => tokenizer.detokenizer(skipSpecialTokens),
    bytesOf: (token) => tokenizer.bytesOf(token),
  });
  const sampling = resolveSampling({ temperature: 0 }, defaults.sampling);
  const answers = new Map();
  let lastId = 0;
  let running = false;

  const run = async () => {
    running = true;
    while (answers.size > 0) {
      for (const { id, finish } of loop.step()) {
        const answer = answers.get(id);
        answer.firstMs ??= performance.now() - answer.asked;
        answer.tokens++;
        if (!finish) continue;
        answers.delete(id);
        answer.done(answer);
      }
      // A turn of the event loop, in which clients ask again.
      await setImmediate();
    }
    running = false;
  };

  return ({ ids }, newTokens) =>
    new Promise((done) => {
      const id = ++lastId;
      answers.set(id, { tokens: 0, firstMs: undefined, asked: performance.now(), done });
      loop.submit({ id, prompt: Int32Array.from(ids), maxNewTokens: newTokens, sampling, stop: [] });
      if (!running) void run();
    });
}
