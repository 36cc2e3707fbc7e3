export type JsonType = 'object' | 'array' | 'string' | 'number' | 'integer' | 'boolean' | 'null';

export const JSON_TYPES: readonly JsonType[] = ['object', 'array', 'string', 'number', 'integer', 'boolean', 'null'];

/** Which type of value a keyword is about; values of another type do not care. */
export const KEYWORDS_OF: Readonly<Partial<Record<JsonType, readonly string[]>>> = {
  object: [
    'properties',
    'required',
    'additionalProperties',
    'unevaluatedProperties',
    'patternProperties',
    'propertyNames',
    'minProperties',
    'maxProperties',
  ],
  array: ['items', 'prefixItems', 'additionalItems', 'unevaluatedItems', 'minItems', 'maxItems'],
  string: ['minLength', 'maxLength', 'pattern', 'format'],
  number: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
};

/** What makes a schema of others, or says all values. */
export const STRUCTURE = ['$ref', 'allOf', 'anyOf', 'oneOf', 'enum', 'const', 'type'] as const;

/** Keywords that would say something that no grammar here can enforce. */
export const UNSUPPORTED = [
  'not',
  'if',
  'then',
  'else',
  'dependentSchemas',
  'dependentRequired',
  'dependencies',
  'contains',
  'minContains',
  'maxContains',
  '$dynamicRef',
  '$recursiveRef',
] as const;

const ASSERTIONS: ReadonlySet<string> = new Set([
  ...Object.values(KEYWORDS_OF).flat(),
  ...STRUCTURE,
  ...UNSUPPORTED,
  'uniqueItems',
]);

/** Whether a keyword says something about values; the others are notes, or names for parts of the schema. */
export function isAssertion(keyword: string): boolean {
  return ASSERTIONS.has(keyword);
}
