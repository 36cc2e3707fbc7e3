import { engineErrorOf } from '../support/engine-error.js';
import { Seeded } from '../support/seeded.js';
import { accepts, lazy, write } from './byte-grammar.js';

const TEXTS = [
  '',
  'a',
  'ab',
  'abab',
  'aab',
  'b',
  '1',
  '42',
  '007',
  '-1.5',
  'é',
  '日本',
  '😀',
  'a b',
  'A',
  '_',
  '\n',
  '(x)',
  'a-b',
  '^',
  '10.0.0.1',
  'a\\b',
  ']',
  'aaaa',
  'foo@bar.com',
];

const PATTERNS = [
  'a',
  'ab*',
  '(ab)+',
  'a|b',
  '(a|b){2,3}',
  'a{2,}',
  'a{0,1}b',
  '[a-c]+',
  '[^a-c]',
  '\\d+',
  '-?\\d+(\\.\\d+)?',
  '\\w*',
  '\\W',
  '\\s?a\\sb',
  '.',
  '..',
  '[é日本]+',
  '\\u00e9',
  '\\x41',
  '\\u{1F600}',
  '\\uD83D\\uDE00',
  '\\(x\\)',
  '[\\w-]+',
  '[a\\]]',
  '(?:ab)?',
  '(?<n>a)b',
  'a+?',
  '',
  '^ab$',
  '^(a|b)$',
  '(^a$)|(^b$)',
  '[\\d.]+',
  '(a*)*',
  '(a|aa)+',
  '\\\\',
  'a\\\\b',
  '[\\n]',
  '\\n',
  '[^]',
  '[]a]|x',
] as const;

describe.each(PATTERNS.filter((pattern) => pattern !== '[]a]|x' && pattern !== '[^]'))(
  'the expression %j',
  (pattern) => {
    const automaton = lazy({ kind: 'regex', pattern });
    const whole = new RegExp(`^(?:${pattern})$`, 'u');

    it('holds for the same texts as in JavaScript', () => {
      expect(TEXTS.filter((text) => accepts(automaton, text))).toEqual(TEXTS.filter((text) => whole.test(text)));
    });

    it('holds for all that is written by it', () => {
      const random = new Seeded(1);
      for (let round = 0; round < 20; round++) expect(write(automaton, random)).toMatch(whole);
    });
  },
);

it.each([
  ['(a', 'a group that does not end'],
  ['a)', 'an unmatched )'],
  ['[a', 'a class that does not end'],
  ['[b-a]', 'a range out of order'],
  ['a{3,2}', 'a quantifier out of order'],
  ['*', 'a quantifier of nothing'],
  ['a(?=b)', 'look-around'],
  ['(?<!a)b', 'look-around'],
  ['\\bword', '\\b'],
  ['(a)\\1', '\\1'],
  ['\\p{L}', '\\p'],
  ['a^b', '^ that is not at the beginning'],
  ['a$b', '$ that is not at the end'],
  ['x(^a)', '^ within a group'],
  ['a{200000}', 'a count above'],
  ['(((a{1,1000}){1,1000}){1,1000}){1,1000}', undefined],
  ['a'.repeat(20_000), 'longer than'],
  ['('.repeat(200) + ')'.repeat(200), 'groups in each other'],
])('tells what is wrong with %j', (pattern, message) => {
  const error = engineErrorOf(() => {
    const automaton = lazy({ kind: 'regex', pattern });
    // What is only too much shows when it is followed.
    automaton.advance(automaton.start, Buffer.from('a'.repeat(100)));
  });
  expect(error.code).toBe('grammar_invalid');
  if (message !== undefined) expect(error.message).toContain(message);
});
