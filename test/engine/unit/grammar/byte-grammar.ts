import { buildAutomaton } from '../../../../src/engine/grammar/automaton.js';
import { compileGrammar } from '../../../../src/engine/grammar/compile.js';
import type { Grammar } from '../../../../src/engine/grammar/grammar.js';
import { LazyAutomaton } from '../../../../src/engine/grammar/lazy-automaton.js';
import type { Rules } from '../../../../src/engine/grammar/rules.js';
import { buildVocabulary } from '../../../../src/engine/grammar/vocabulary.js';
import type { Seeded } from '../support/seeded.js';

/** Tokens across the borders of what a grammar knows, and all bytes. */
const PIECES = [
  '{"',
  '": "',
  '","',
  '": ',
  '"}',
  '}}',
  '[]',
  'true',
  'null',
  '\\"',
  '\\u00',
  'é',
  '日本',
  '99',
  '0.',
  ', ',
];
const TOKENS = [
  ...Array.from({ length: 256 }, (_, byte) => Buffer.of(byte)),
  ...PIECES.map((piece) => Buffer.from(piece, 'utf8')),
];
export const BYTES = buildVocabulary(TOKENS.length, (id) => TOKENS[id], false);

export function lazy(grammar: Grammar): LazyAutomaton {
  return new LazyAutomaton(compileGrammar(grammar), BYTES);
}

export function lazyRules(rules: Rules): LazyAutomaton {
  return new LazyAutomaton(buildAutomaton(rules), BYTES);
}

/** Whether a grammar holds for a text as a whole. */
export function accepts(automaton: LazyAutomaton, text: string): boolean {
  return automaton.advance(automaton.start, Buffer.from(text, 'utf8'))?.accepting ?? false;
}

/** The ids of a mask. */
export function idsOf(mask: Uint32Array): number[] {
  return TOKENS.flatMap((_, id) => ((mask[id >> 5] >>> (id & 31)) & 1 ? [id] : []));
}

/**
 * Some text of a grammar, token by token as a model without any sense would write it; towards the end, one that likes to
 * close what it opened.
 */
export function write(automaton: LazyAutomaton, random: Seeded): string {
  const bytes: number[] = [];
  let state = automaton.start;
  for (let step = 0; !automaton.isOver(state); step++) {
    if (state.accepting && random.chance(step > 30 ? 1 : 0.1)) break;
    const allowed = idsOf(automaton.maskOf(state));
    if (allowed.length === 0) throw new Error(`nothing can follow ${Buffer.from(bytes).toString()}`);
    const closing = allowed.filter((id) => /^["}\]\d]/.test(TOKENS[id].toString('latin1')));
    const wanted = closing.length > 0 && random.chance(step > 30 ? 0.95 : 0.3) ? closing : allowed;
    const token = TOKENS[random.pick(wanted)];
    bytes.push(...token);
    const next = automaton.advance(state, token);
    if (!next) throw new Error('a token of the mask is not accepted');
    state = next;
    if (step > 5_000) throw new Error('the text has no end');
  }
  return Buffer.from(bytes).toString('utf8');
}
