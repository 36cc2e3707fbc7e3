/** What a quantization costs in quality: the same texts, read by the model in float32 and with its weights quantized. */
import { fileURLToPath } from 'node:url';
import { LoadedModel } from '../../dist/engine/model/loaded-model.js';
import { OrtInterrupt } from '../../dist/engine/ort/interrupt.js';
import { Divergence } from '../support/divergence.mjs';
import { readDocuments } from '../support/documents.mjs';
import { MODEL_OPTIONS, engineOptions } from '../support/environment.mjs';
import { megabytes, percent, table } from '../support/report.mjs';

const CHATS = fileURLToPath(new URL('../data/chats.jsonl', import.meta.url));
/** What the engine calls weights that are not quantized. */
const REFERENCE = 'none';
/** Tokens of a step, all of whose logits are wanted: the runner has room for those of one token for each slot. */
const CHUNK = 32;
const CONTEXT = 1024;

export const options = {
  ...MODEL_OPTIONS,
  recipe: { type: 'string', multiple: true, default: ['int8', 'int4'] },
  text: { type: 'string', default: CHATS },
};

export async function run(values) {
  const reference = await load(values, REFERENCE);
  const documents = readDocuments(values.text, {
    folder: values.model,
    tokenizer: reference.model.tokenizer,
    eosIds: reference.model.defaults.eosIds,
  });
  const rows = [{ recipe: REFERENCE, bytes: reference.bytes, ...compare(reference, reference, documents) }];
  for (const recipe of values.recipe) {
    const candidate = await load(values, recipe);
    rows.push({ recipe, bytes: candidate.bytes, ...compare(reference, candidate, documents) });
    candidate.dispose();
  }
  const result = { model: reference.model.info.id, text: values.text, rows };
  reference.dispose();
  return { result, text: report(result) };
}

async function load(values, quantization) {
  const interrupt = new OrtInterrupt();
  const sizes = { maxBatchSize: CHUNK, prefillChunk: CHUNK, maxModelLength: CONTEXT };
  const before = process.memoryUsage.rss();
  const model = await LoadedModel.load(
    engineOptions(values, { ...sizes, quantization: asRecipe(quantization) }),
    interrupt.handles,
  );
  const dispose = () => {
    model.dispose();
    interrupt.dispose();
  };
  return { model, bytes: process.memoryUsage.rss() - before, dispose };
}

/** The name of a recipe, or one of the caller's own as JSON. */
function asRecipe(text) {
  return text.startsWith('{') ? JSON.parse(text) : text;
}

function compare(reference, candidate, documents) {
  const divergence = new Divergence();
  const { vocabSize } = reference.model.runner;
  const rowOf = (logits, i) => logits.subarray(i * vocabSize, (i + 1) * vocabSize);
  for (const { ids, scored } of documents) {
    for (let start = 0; start < ids.length - 1; start += CHUNK) {
      const tokens = ids.slice(start, Math.min(start + CHUNK, ids.length - 1));
      // The logits of a token say what they expect next.
      const wanted = [...tokens.keys()].filter((i) => start + i + 1 >= scored);
      const step = { firstSlot: 0, rows: 1, tokensPerRow: tokens.length, tokens, cached: [start], logitsRows: wanted };
      const expected = reference.model.runner.step(step);
      const logits = candidate.model.runner.step(step);
      wanted.forEach((i, row) => divergence.add(rowOf(expected, row), rowOf(logits, row), ids[start + i + 1]));
    }
  }
  return divergence.result;
}

function report({ model, rows }) {
  return [
    `${model}, ${rows[0].tokens} tokens to predict`,
    table([
      ['recipe', 'resident growth at load', 'perplexity', 'same most probable token as float32', 'mean KL divergence'],
      ...rows.map(({ recipe, bytes, perplexity, agreement, divergence }) => [
        recipe,
        megabytes(bytes),
        perplexity.toFixed(4),
        percent(agreement),
        `${divergence.toExponential(2)} nats`,
      ]),
    ]),
  ].join('\n\n');
}
