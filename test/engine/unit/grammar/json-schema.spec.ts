import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import type { JsonSchema } from '../../../../src/engine/grammar/grammar.js';
import { engineErrorOf } from '../support/engine-error.js';
import { Seeded } from '../support/seeded.js';
import { accepts, lazy, write } from './byte-grammar.js';
import { randomSchema } from './random-schema.js';

const ajv = new Ajv2020({ strict: false });
formats.default(ajv);

const NODE = {
  type: 'object',
  properties: { value: { type: 'integer' }, next: { $ref: '#/$defs/node' } },
  required: ['value'],
};

const SCHEMAS: Record<string, JsonSchema> = {
  'any value': true,
  'nothing said': {},
  'an object': { type: 'object' },
  properties: {
    type: 'object',
    properties: { a: { type: 'integer' }, b: { type: 'string' }, c: { type: 'boolean' }, d: { type: 'null' } },
    required: ['b', 'd'],
    additionalProperties: false,
  },
  'optional properties': { type: 'object', properties: { a: { type: 'number' }, b: {}, c: { type: 'string' } } },
  'further properties': {
    type: 'object',
    properties: { a: { type: 'integer' }, ab: { type: 'null' }, 'quo"te': { type: 'null' } },
    required: ['a'],
    additionalProperties: { type: 'string' },
  },
  'a map': { type: 'object', additionalProperties: { type: 'integer' }, minProperties: 1, maxProperties: 3 },
  'required, but not described': { type: 'object', properties: { a: {} }, required: ['a', 'z'] },
  'names by pattern': {
    type: 'object',
    patternProperties: { '^x_[a-z]+$': { type: 'integer' } },
    additionalProperties: false,
  },
  'names by schema': {
    type: 'object',
    propertyNames: { enum: ['red', 'green'] },
    additionalProperties: { type: 'integer' },
  },
  'unicode names': {
    type: 'object',
    properties: { 'größe "x"\n': { type: 'string' }, 日本: { const: '😀' } },
    required: ['日本'],
  },
  'a list': { type: 'array', items: { type: 'integer' } },
  'a list with limits': { type: 'array', items: { type: 'boolean' }, minItems: 2, maxItems: 4 },
  'an empty list': { type: 'array', maxItems: 0 },
  'a tuple': { type: 'array', prefixItems: [{ type: 'integer' }, { type: 'string' }], items: false, minItems: 1 },
  'a tuple and more': {
    type: 'array',
    prefixItems: [{ type: 'null' }],
    items: { type: 'integer' },
    minItems: 2,
    maxItems: 4,
  },
  nested: {
    type: 'array',
    items: { type: 'object', properties: { list: { type: 'array', items: { type: 'array' } } } },
    maxItems: 3,
  },
  enumeration: { enum: ['a', 1, null, { x: [1, 2] }, true, 'quo"te\n'] },
  'enumeration with a type': { type: 'string', enum: ['a', 'b', 3] },
  constant: { const: { a: ['é', 1.5, null] } },
  alternatives: {
    anyOf: [{ type: 'string', maxLength: 3 }, { type: 'array', items: { type: 'null' } }, { $ref: '#/$defs/n' }],
    $defs: { n: { type: 'integer' } },
  },
  'one of several types': { type: ['string', 'null', 'integer'], maxLength: 4, minimum: 7 },
  'one of, by a constant': {
    oneOf: [
      { type: 'object', properties: { kind: { const: 'a' }, x: { type: 'integer' } }, required: ['kind', 'x'] },
      { type: 'object', properties: { kind: { const: 'b' }, y: { type: 'string' } }, required: ['kind'] },
    ],
  },
  'one of, by properties': {
    oneOf: [
      { type: 'object', properties: { a: { type: 'integer' } }, required: ['a'] },
      { type: 'object', properties: { b: { type: 'integer' } }, required: ['b'] },
    ],
  },
  'all of': {
    allOf: [{ type: 'object', properties: { a: { type: 'integer' } }, required: ['a'] }, { $ref: '#/$defs/b' }],
    $defs: { b: { properties: { b: { type: 'string', minLength: 2 } }, required: ['b'] } },
  },
  'limits from several parts': { allOf: [{ type: 'integer', minimum: 3 }, { maximum: 12 }, { minimum: 5 }] },
  'a reference with a note': {
    $ref: '#/$defs/n',
    description: 'a number',
    $defs: { n: { type: 'number', minimum: 1 } },
  },
  'a linked list': { $ref: '#/$defs/node', $defs: { node: NODE } },
  'a tree': {
    type: 'object',
    properties: { children: { type: 'array', items: { $ref: '#' } } },
    required: ['children'],
  },
  integers: { type: 'integer' },
  'integers in a range': { type: 'integer', minimum: -15, maximum: 128 },
  'integers between': { type: 'integer', exclusiveMinimum: 0, exclusiveMaximum: 11 },
  'integers from': { type: 'integer', minimum: 997 },
  'integers up to': { type: 'integer', maximum: -99 },
  numbers: { type: 'number' },
  'numbers in a range': { type: 'number', minimum: 0.05, maximum: 1.5 },
  'numbers between': { type: 'number', exclusiveMinimum: -2.5, exclusiveMaximum: 2.125 },
  'numbers above': { type: 'number', exclusiveMinimum: 0 },
  'numbers below': { type: 'number', exclusiveMaximum: 0 },
  'numbers close together': { type: 'number', exclusiveMinimum: 1.25, maximum: 1.2575 },
  'numbers from': { type: 'number', minimum: 1e-7 },
  'a bounded string': { type: 'string', minLength: 2, maxLength: 5 },
  'a pattern': { type: 'string', pattern: '^[A-Z]{2}-\\d{3}$' },
  'a pattern within': { type: 'string', pattern: '\\d{2}' },
  'a pattern with quotes': { type: 'string', pattern: '^.[^a]["\\\\\\n]+$' },
  'a pattern with a length': { type: 'string', pattern: '^[a-z]{3,5}$', minLength: 1, maxLength: 10 },
  ...Object.fromEntries(
    ['date', 'time', 'date-time', 'duration', 'email', 'hostname', 'ipv4', 'ipv6', 'uuid', 'uri', 'uri-reference'].map(
      (format) => [`the format ${format}`, { type: 'string', format }],
    ),
  ),
  'a format of another type': { type: 'integer', format: 'int32', title: 'x', default: 3, examples: [1] },
};

describe.each(Object.entries(SCHEMAS))('%s', (_name, schema) => {
  const automaton = lazy({ kind: 'json_schema', schema });
  const validate = ajv.compile(schema);

  it('validates all that is written by it', () => {
    const random = new Seeded(7);
    for (let round = 0; round < 40; round++) {
      const text = write(automaton, random);
      const value: unknown = JSON.parse(text);
      expect({ text, valid: validate(value) }).toEqual({ text, valid: true });
    }
  });
});

it.each<[JsonSchema, string[], string[]]>([
  [
    { type: 'object', properties: { a: {}, b: {} } },
    ['{}', '{"a":1}', '{"b":[]}', '{"a": 1, "b": null}'],
    ['{"b":1,"a":2}', '{"c":1}', '{ }', '{"a" :1}'],
  ],
  [
    { type: 'integer', minimum: -15, maximum: 128 },
    ['-15', '-9', '0', '9', '10', '99', '128'],
    ['-16', '129', '-0', '007', '1.0', '-'],
  ],
  [
    { type: 'number', minimum: 0, maximum: 1.5 },
    ['0', '0.0', '1', '1.5', '1.50', '1.49999', '0.001'],
    ['1.51', '2', '-0.1', '1.', '.5', '1e0'],
  ],
  [
    { type: 'number', exclusiveMinimum: 0, exclusiveMaximum: 1 },
    ['0.1', '0.000001', '0.99'],
    ['0', '0.0', '1', '1.0', '-0.5'],
  ],
  [
    { type: 'number', minimum: -1.25, maximum: -0.5 },
    ['-1.25', '-1', '-0.5', '-0.75'],
    ['-1.26', '-0.4', '0', '-0.49'],
  ],
  [
    { type: 'number' },
    ['0', '-0', '1.5e10', '1E-7', '123456789012345'],
    ['1234567890123456', '1e400', '01', '+1', 'NaN'],
  ],
  [{ type: 'string' }, ['""', '"a\\n\\u00e9é😀"'], ['"\n"', '"\\x"', '"\\ud800"', '"a', "'a'"]],
  [{ type: 'string', pattern: '^a.c$' }, ['"abc"', '"a\\"c"', '"aéc"'], ['"a"c"', '"ac"', '"a\\nc"', '"abcd"']],
  [{ type: 'string', minLength: 1, maxLength: 2 }, ['"a"', '"😀\\n"'], ['""', '"abc"']],
  [
    { type: 'object', properties: { a: { type: 'null' } }, additionalProperties: true },
    ['{"b":1}', '{"a":null,"aa":1}'],
    ['{"a":1}', '{"\\u0061":1}'],
  ],
  [{ const: 'x' }, ['"x"'], ['"y"']],
  [{ anyOf: [{ const: 1 }, false] }, ['1'], ['2']],
])('%j is written in one way', (schema, good, bad) => {
  const automaton = lazy({ kind: 'json_schema', schema });
  expect(good.filter((one) => !accepts(automaton, one))).toEqual([]);
  expect(bad.filter((one) => accepts(automaton, one))).toEqual([]);
});

const DEEP = JSON.parse('{"items":'.repeat(3_000) + '{}' + '}'.repeat(3_000)) as JsonSchema;

it.each<[string, JsonSchema, string]>([
  ['not', { not: { type: 'string' } }, 'at # has the keyword not'],
  ['if', { properties: { a: { if: {} } } }, 'at #/properties/a has the keyword if'],
  ['uniqueItems', { type: 'array', uniqueItems: true }, 'uniqueItems'],
  ['contains', { type: 'array', contains: {} }, 'contains'],
  ['multipleOf', { type: 'number', multipleOf: 0.1 }, 'multipleOf'],
  ['dependentRequired', { dependentRequired: { a: ['b'] } }, 'dependentRequired'],
  ['an unknown type', { type: 'text' }, 'the type "text"'],
  ['an unknown format', { type: 'string', format: 'iban' }, 'a format that is not known'],
  ['a bad pattern', { type: 'string', pattern: '(' }, 'a group that does not end'],
  ['overlapping oneOf', { oneOf: [{ type: 'string' }, { type: 'string', maxLength: 3 }] }, 'use anyOf'],
  ['a missing reference', { $ref: '#/$defs/a' }, 'which is not there'],
  ['a foreign reference', { $ref: 'https://example.com/schema' }, 'only #'],
  ['a reference to itself', { $ref: '#' }, 'no end'],
  [
    'a circle of references',
    { $ref: '#/$defs/a', $defs: { a: { $ref: '#/$defs/b' }, b: { $ref: '#/$defs/a' } } },
    'no end',
  ],
  ['an alternative that is itself', { anyOf: [{ $ref: '#' }, { type: 'null' }] }, 'left recursion'],
  ['allOf of itself', { allOf: [{ $ref: '#' }] }, ''],
  ['an object that needs itself', { type: 'object', properties: { a: { $ref: '#' } }, required: ['a'] }, 'no end'],
  ['no value', false, 'no end'],
  ['contradictory lengths', { type: 'string', minLength: 3, maxLength: 2 }, 'minLength above its maxLength'],
  ['contradictory bounds', { type: 'integer', minimum: 3, maximum: 2 }, 'no end'],
  ['3,000 levels', DEEP, 'nested deeper than 100'],
  ['a million items', { type: 'array', items: { type: 'string', minLength: 900 }, minItems: 1_000_000 }, 'too large'],
  ['a huge string', { type: 'string', minLength: 10_000_000 }, 'too large'],
  ['too many values', { enum: Array.from({ length: 60_000 }, (_, i) => `value ${i}`) }, 'more than 500000'],
  ['no list of properties', { type: 'object', properties: [] as never }, 'an object of schemas'],
  ['no list of names', { type: 'object', required: 'a' }, 'a list of names'],
  ['no schema', { properties: { a: 3 } }, 'is no schema'],
])('tells what is wrong with %s', (_name, schema, message) => {
  const error = engineErrorOf(() => lazy({ kind: 'json_schema', schema }));
  expect(error.code).toBe('grammar_invalid');
  expect(error.message).toContain(message);
});

it('takes a large enumeration and many properties', () => {
  const values = Array.from({ length: 5_000 }, (_, i) => `value number ${7_919 * i}`);
  const properties = Object.fromEntries(values.slice(0, 500).map((name) => [name, { $ref: '#/$defs/value' }]));
  const $defs = { value: { enum: values } };
  const automaton = lazy({ kind: 'json_schema', schema: { type: 'object', properties, $defs } });
  expect(accepts(automaton, JSON.stringify({ [values[7]]: values[4_000], [values[200]]: values[0] }))).toBe(true);
  expect(accepts(automaton, JSON.stringify({ [values[7]]: 'value number 1' }))).toBe(false);
});

it('of generated schemas, each is refused or validates all that is written by it', () => {
  const random = new Seeded(2_026);
  let written = 0;
  for (let round = 0; round < 300; round++) {
    const schema = randomSchema(random);
    let automaton;
    try {
      automaton = lazy({ kind: 'json_schema', schema });
    } catch (error) {
      expect(error).toMatchObject({ code: 'grammar_invalid' });
      continue;
    }
    const validate = ajv.compile(schema);
    for (let i = 0; i < 4; i++, written++) {
      const text = write(automaton, random);
      const value: unknown = JSON.parse(text);
      expect({ schema, text, valid: validate(value) }).toEqual({ schema, text, valid: true });
    }
  }
  expect(written).toBeGreaterThan(600);
});
