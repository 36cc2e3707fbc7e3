import { engineErrorOf } from '../support/engine-error.js';
import { accepts, lazy } from './byte-grammar.js';

const LISTING = String.raw`
# a list of sums
root ::= sum ("," ws sum)*
sum  ::= term (("+" | "-") term)*
term ::= [0-9]+ |
         "(" sum ")"
       | name{2,3}
name ::= [a-zé]   # one letter
ws ::= " "?
`;

it.each([
  [LISTING, ['1', '1+2', '(1-2), ab', 'éab,(7)'], ['', '1+', 'a', '1,,2', 'abcd', '(1']],
  ['root ::= "\\"" [^"\\\\\\x00-\\x1f]* "\\""', ['""', '"é😀"'], ['"', '"a\n"', '"a"b']],
  ["root ::= 'it\\'s' | \"\\u00e9\\n\"", ["it's", 'é\n'], ['its']],
  ['root ::= "a" root "b" | ""', ['', 'ab', 'aaabbb'], ['aab', 'ba']],
  ['root ::= (x | "")* "end"\nx ::= "x"?', ['end', 'xxend'], ['xx']],
  ['root ::= .{2}', ['ab', '日本'], ['a', 'abc']],
])('the grammar %j', (text, good, bad) => {
  const automaton = lazy({ kind: 'ebnf', text });
  expect(good.filter((one) => !accepts(automaton, one))).toEqual([]);
  expect(bad.filter((one) => accepts(automaton, one))).toEqual([]);
});

it.each([
  ['', 'no rule "root"'],
  ['start ::= "a"', 'no rule "root"'],
  ['root ::= other', 'no rule "other"'],
  ['root ::= "a', 'line 1 of the grammar: a text does not end'],
  ['root ::= "a"\nroot ::= "b"', 'line 2 of the grammar: rule root is there twice'],
  ['root = "a"', '::= was expected'],
  ['root ::= ("a"', ') was expected'],
  ['root ::= "a"{x}', 'no count'],
  ['root ::= [z-a]', 'out of order'],
  ['root ::= root "a" | "b"', 'left recursion'],
  ['root ::= x\nx ::= "" y\ny ::= x "a" | "b"', 'left recursion'],
  ['root ::= "a" root', 'no end'],
  ['root ::= "\\xZZ"', 'is no character'],
  [`root ::= ${'('.repeat(300)}"a"${')'.repeat(300)}`, 'groups in each other'],
  [`root ::= "${'a'.repeat(300_000)}"`, 'more than 200000'],
  ['root ::= "a" root "b" | "a" root "c" | "x"', 'too ambiguous'],
])('tells what is wrong with %j', (text, message) => {
  const error = engineErrorOf(() => {
    const automaton = lazy({ kind: 'ebnf', text });
    automaton.advance(automaton.start, Buffer.from('a'.repeat(100)));
    automaton.maskOf(automaton.start);
  });
  expect(error.code).toBe('grammar_invalid');
  expect(error.message).toContain(message);
});
