/** What it costs to hold answers to grammars: the mask of tokens that each step needs, first visits included. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { GrammarCompiler } from '../../dist/engine/grammar/grammar-compiler.js';
import { LazyAutomaton } from '../../dist/engine/grammar/lazy-automaton.js';
import { Tokenizer } from '../../dist/engine/tokens/tokenizer.js';
import { MODEL_OPTIONS } from '../support/environment.mjs';
import { GRAMMARS } from '../support/grammars.mjs';
import { randomNumbers } from '../support/random.mjs';
import { table } from '../support/report.mjs';
import { summarize } from '../support/statistics.mjs';

/** What closes a string, an object or a list; without it, answers to any token would hardly end. */
const CLOSING = /^["}\]]/;
const CLOSING_PERCENT = 10;

export const options = {
  model: MODEL_OPTIONS.model,
  answers: { type: 'string', default: '20' },
  tokens: { type: 'string', default: '300' },
  repeat: { type: 'string', default: '1' },
  only: { type: 'string' },
};

export async function run(values) {
  const tokenizer = Tokenizer.load(values.model);
  const { vocab_size: size } = JSON.parse(readFileSync(join(values.model, 'config.json'), 'utf8'));
  const compiler = new GrammarCompiler(tokenizer, size);
  const began = performance.now();
  compiler.compile({ kind: 'choice', choices: ['a'] });
  const vocabularyMs = performance.now() - began;
  const closing = new Uint32Array((size + 31) >> 5);
  for (let id = 0; id < size; id++) {
    const text = Buffer.from(tokenizer.plainBytesOf(id) ?? []).toString('latin1');
    if (CLOSING.test(text)) closing[id >> 5] |= 1 << (id & 31);
  }
  const [answers, tokens, repeat] = [values.answers, values.tokens, values.repeat].map(Number);
  const measure = (grammar) => measureGrammar({ compiler, tokenizer, closing, answers, tokens, repeat }, grammar);
  // Code that runs for the first time is slow, whatever it does.
  measure(GRAMMARS['flat object, optional properties']);
  const rows = Object.entries(GRAMMARS)
    .filter(([name]) => !values.only || name.includes(values.only))
    .map(([name, grammar]) => ({ name, ...measure(grammar) }));
  return { result: { tokens: size, vocabularyMs, rows }, text: report(size, vocabularyMs, rows) };
}

function measureGrammar(context, grammar) {
  const began = performance.now();
  const compiled = context.compiler.compile(grammar);
  const compileMs = performance.now() - began;
  const runs = Array.from({ length: context.repeat }, () => writeAnswers(context, compiled));
  const best = (kind) => runs[0][kind].map((_, i) => Math.min(...runs.map((run) => run[kind][i])));
  const masks = best('masks');
  const advances = best('advances');
  return { compileMs, mean: mean(masks), advanceMean: mean(advances), ...summarize(masks) };
}

/** The same answers each time, with nothing known of the grammar before the first. */
function writeAnswers({ tokenizer, closing, answers, tokens }, { automaton, vocabulary }) {
  const lazy = new LazyAutomaton(automaton, vocabulary);
  const random = randomNumbers(1);
  const masks = [];
  const advances = [];
  for (let answer = 0; answer < answers; answer++) {
    let state = lazy.start;
    for (let i = 0; i < tokens && !lazy.isOver(state); i++) {
      const before = performance.now();
      const mask = lazy.maskOf(state);
      masks.push(performance.now() - before);
      const token = pick(mask, closing, random);
      if (token === undefined) break;
      const chosen = performance.now();
      state = lazy.advance(state, tokenizer.plainBytesOf(token));
      advances.push(performance.now() - chosen);
    }
  }
  return { masks, advances };
}

function mean(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Any token of the mask, now and then one that closes something. */
function pick(mask, closing, random) {
  const closers = mask.map((word, i) => word & closing[i]);
  return pickBit(random(100) < CLOSING_PERCENT && closers.some((word) => word !== 0) ? closers : mask, random);
}

function pickBit(mask, random) {
  const words = [...mask.keys()].filter((i) => mask[i] !== 0);
  if (words.length === 0) return undefined;
  const word = words[random(words.length)];
  const bits = Array.from({ length: 32 }, (_, bit) => bit).filter((bit) => (mask[word] >>> bit) & 1);
  return 32 * word + bits[random(bits.length)];
}

function report(size, vocabularyMs, rows) {
  const ms = (value) => value.toFixed(3);
  return [
    `${size} tokens; their trees took ${vocabularyMs.toFixed(0)} ms, once. Milliseconds:`,
    table([
      ['grammar', 'compiled', 'masks', 'mean', 'median', 'p99', 'max', 'mean of the step to the next state'],
      ...rows.map(({ name, compileMs, count, mean, p50, p99, max, advanceMean }) => [
        name,
        compileMs.toFixed(1),
        count,
        ...[mean, p50, p99, max, advanceMean].map(ms),
      ]),
    ]),
  ].join('\n\n');
}
