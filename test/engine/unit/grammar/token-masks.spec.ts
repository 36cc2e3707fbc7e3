import { compileGrammar } from '../../../../src/engine/grammar/compile.js';
import type { Grammar, JsonSchema } from '../../../../src/engine/grammar/grammar.js';
import { LazyAutomaton } from '../../../../src/engine/grammar/lazy-automaton.js';
import { buildVocabulary } from '../../../../src/engine/grammar/vocabulary.js';
import { Seeded } from '../support/seeded.js';
import { lazy } from './byte-grammar.js';

const random = new Seeded(7);
const SYLLABLES = [
  'a',
  'b',
  'z',
  'er',
  ' the',
  'X',
  '_',
  '9',
  'é',
  '日本',
  '🙂',
  '<',
  '>',
  ',',
  '"',
  '": "',
  '\\',
  '\n',
  '}',
];
/** Texts of one and of more characters, up to more than a plain token has, and pieces of characters. */
const TOKENS = [
  ...Array.from({ length: 256 }, (_, byte) => Buffer.of(byte)),
  ...Array.from({ length: 1_500 }, () => {
    const parts = Array.from({ length: random.integer(1, random.chance(0.1) ? 30 : 6) }, () => random.pick(SYLLABLES));
    const bytes = Buffer.from(parts.join(''), 'utf8');
    return bytes.length > 2 && random.chance(0.2)
      ? bytes.subarray(random.integer(0, 1), bytes.length - random.integer(0, 1))
      : bytes;
  }),
  Buffer.from('a'.repeat(200)),
];
const VOCABULARY = buildVocabulary(TOKENS.length, (id) => TOKENS[id], false);

const string = (limits: object): Grammar => ({
  kind: 'json_schema',
  schema: { type: 'string', ...limits } as JsonSchema,
});
const GRAMMARS: readonly Grammar[] = [
  { kind: 'json_object' },
  ...[{}, { maxLength: 3 }, { maxLength: 40 }, { minLength: 5, maxLength: 9 }, { minLength: 30 }].map(string),
  ...[
    '^[^<>]{1,9}$',
    '^[a-z ]{2,50}$',
    '[0-9]{2}',
    '^.{3}[a-z]{2}$',
    '^(a|é|日){1,30}.?$',
    '^[^<>b]{1,300}$',
    '^[a-zé <]{3,60}$',
  ].map((pattern) => string({ pattern })),
  ...[
    '[\\s\\S]{1,20}',
    '.*',
    '[^,]{0,30},x',
    '(.{2}z){1,4}',
    '(ab|a.)*',
    '[^,]{1,90},[^b]{2,9}',
    '<[^<>]{1,90}><>',
    '([A-z]{1,30}[_,9])*',
    '[^\\u0080-\\uffff]{1,60}',
  ].map((pattern): Grammar => ({
    kind: 'regex',
    pattern,
  })),
  {
    kind: 'structural_tag',
    format: {
      type: 'triggered_tags',
      triggers: ['<a'],
      tags: [{ type: 'tag', begin: '<a>', content: { type: 'any_text' }, end: '<>' }],
    },
  },
];

it.each(GRAMMARS)('a mask has the tokens that can come next, and no others: %j', (grammar) => {
  const automaton = compileGrammar(grammar);
  const masked = new LazyAutomaton(automaton, VOCABULARY);
  // Goes byte by byte, and makes no mask.
  const plain = new LazyAutomaton(automaton, VOCABULARY);
  const seen = { some: 0 };
  for (let round = 0; round < 12; round++) {
    let state = masked.start;
    let expected = plain.start;
    for (let step = 0; step < 15 && !plain.isOver(expected); step++) {
      const mask = masked.maskOf(state);
      const allowed = TOKENS.map((_, id) => id).filter((id) => (mask[id >> 5] >>> (id & 31)) & 1);
      expect(allowed).toEqual(
        TOKENS.flatMap((bytes, id) => (plain.advance(expected, bytes) === undefined ? [] : [id])),
      );
      const token = TOKENS[random.pick(allowed)];
      state = masked.advance(state, token) as typeof state;
      expected = plain.advance(expected, token) as typeof expected;
      expect(state.accepting).toBe(expected.accepting);
      seen.some += allowed.length;
    }
  }
  expect(seen.some).toBeGreaterThan(0);
});

it('a long string with a limit stays small: what comes after each of its characters is not looked at byte by byte', () => {
  const automaton = lazy(string({ maxLength: 4_000 }));
  let state = automaton.advance(automaton.start, Buffer.from('"')) as typeof automaton.start;
  for (let character = 0; character < 2_800; character++) {
    automaton.maskOf(state);
    state = automaton.advance(state, Buffer.from('a')) as typeof state;
  }
  expect(automaton.worn).toBe(false);
});
