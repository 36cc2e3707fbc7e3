import type { StructuralTagFormat, TagFormat } from '../../../../src/engine/grammar/grammar.js';
import { engineErrorOf } from '../support/engine-error.js';
import { accepts, lazy } from './byte-grammar.js';

function callOf(name: string): TagFormat {
  const schema = {
    type: 'object',
    properties: { name: { const: name }, x: { type: 'integer' } },
    required: ['name', 'x'],
  };
  return { type: 'tag', begin: '<call>', content: { type: 'json_schema', json_schema: schema }, end: '</call>' };
}

const TAGS = { triggers: ['<call>'], tags: [callOf('add'), callOf('get')] } as const;
const ADD = '<call>{"name":"add","x":1}</call>';
const GET = '<call>{"name": "get", "x": 2}</call>';
const WRONG = '<call>{"name":"other","x":1}</call>';

it.each<[string, StructuralTagFormat, string[], string[]]>([
  [
    'free text with calls',
    { type: 'triggered_tags', ...TAGS },
    ['', 'hello', `${ADD}`, `I call ${ADD} and ${GET}.`, 'a < b <cal', `<<call${ADD}`],
    [WRONG, '<call>', `x ${WRONG}`, '<call>{"name":"add","x":1}'],
  ],
  [
    'at least one call',
    { type: 'triggered_tags', ...TAGS, at_least_one: true },
    [ADD, `${ADD}${GET}`, `${ADD} done`],
    ['', 'hello', `first ${ADD}`, WRONG],
  ],
  [
    'exactly one call',
    { type: 'triggered_tags', ...TAGS, at_least_one: true, stop_after_first: true },
    [ADD, GET],
    ['', `${ADD}${GET}`, `${ADD} done`],
  ],
  ['at most one call', { type: 'triggered_tags', ...TAGS, stop_after_first: true }, ['hi', `hi ${ADD}`], [`${ADD}.`]],
  [
    'calls with a separator',
    { type: 'tags_with_separator', tags: TAGS.tags, separator: '\n', at_least_one: true },
    [ADD, `${ADD}\n${GET}`],
    ['', `${ADD}${GET}`, `${ADD}\n`],
  ],
  [
    'a thought, then an answer',
    {
      type: 'sequence',
      elements: [
        { type: 'tag', begin: '<think>', content: { type: 'any_text' }, end: '</think>' },
        {
          type: 'or',
          elements: [
            { type: 'const_string', value: 'yes' },
            { type: 'regex', pattern: 'no+' },
          ],
        },
      ],
    },
    ['<think></think>yes', '<think>a </thin b</think>nooo'],
    ['yes', '<think>yes', '<think></think>', '<think></think>yes</think>no'],
  ],
  ['a grammar of its own', { type: 'grammar', grammar: 'root ::= "a" x\nx ::= "b"*' }, ['a', 'abb'], ['b']],
])('%s', (_name, format, good, bad) => {
  const automaton = lazy({ kind: 'structural_tag', format });
  expect(good.filter((one) => !accepts(automaton, one))).toEqual([]);
  expect(bad.filter((one) => accepts(automaton, one))).toEqual([]);
});

it.each<[StructuralTagFormat, string]>([
  [{ type: 'triggered_tags', triggers: [], tags: [] }, 'has to have triggers'],
  [{ type: 'triggered_tags', triggers: ['x'], tags: [callOf('a')] }, 'no trigger is the beginning of "<call>"'],
  [{ type: 'triggered_tags', triggers: ['<call>', 'x'], tags: [callOf('a')] }, 'no tag begins with the trigger "x"'],
  [{ type: 'regex', pattern: '(' }, 'a group that does not end'],
  [{ type: 'tag', begin: '', content: { type: 'any_text' }, end: 'x'.repeat(2_000) }, 'more than 1000 characters'],
])('tells what is wrong with %j', (format, message) => {
  const error = engineErrorOf(() => lazy({ kind: 'structural_tag', format }));
  expect(error.code).toBe('grammar_invalid');
  expect(error.message).toContain(message);
});
