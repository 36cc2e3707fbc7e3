/** Grammars of the kinds that requests have. */
const object = (properties, more = {}) => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
  ...more,
});
const schema = (value) => ({ kind: 'json_schema', schema: value });
const only = (value) => schema(object({ value }));
const regex = (pattern) => ({ kind: 'regex', pattern });
const STRING = { type: 'string' };

const ADDRESS = object({ street: STRING, city: STRING, country: { enum: ['DE', 'FR', 'JP', 'US'] } });
const PERSON = object({
  name: { type: 'string', minLength: 1, maxLength: 60 },
  age: { type: 'integer', minimum: 0, maximum: 120 },
  email: { type: 'string', format: 'email' },
  address: { $ref: '#/$defs/address' },
  tags: { type: 'array', items: { type: 'string', maxLength: 20 }, maxItems: 8 },
});
const ORDER = object({
  id: { type: 'string', format: 'uuid' },
  placed: { type: 'string', format: 'date-time' },
  status: { enum: ['new', 'paid', 'shipped', 'delivered', 'returned'] },
  customer: { $ref: '#/$defs/person' },
  items: {
    type: 'array',
    minItems: 1,
    items: object({
      sku: { type: 'string', pattern: '^[A-Z]{2,4}-[0-9]{4,8}$' },
      title: { type: 'string', maxLength: 100 },
      quantity: { type: 'integer', minimum: 1, maximum: 999 },
      price: { type: 'number', minimum: 0, maximum: 99999.5 },
    }),
  },
  note: { anyOf: [{ type: 'string', maxLength: 1000 }, { type: 'null' }] },
});
const TREE = object({ label: STRING, children: { type: 'array', items: { $ref: '#' } } });
const CALL = (name, parameters) => ({
  type: 'tag',
  begin: `<tool_call>{"name": "${name}", "arguments": `,
  content: { type: 'json_schema', json_schema: parameters },
  end: '}</tool_call>',
});
const CALLS = [
  CALL('get_weather', object({ city: { type: 'string', maxLength: 80 }, unit: { enum: ['C', 'F'] } })),
  CALL('search', object({ query: STRING, limit: { type: 'integer', minimum: 1, maximum: 50 } })),
];

export const GRAMMARS = {
  'any JSON object': { kind: 'json_object' },
  'flat object, optional properties': schema({
    type: 'object',
    properties: { title: STRING, year: { type: 'integer' }, rating: { type: 'number' }, seen: { type: 'boolean' } },
    required: ['title'],
  }),
  'nested objects, references': schema({ ...ORDER, $defs: { person: PERSON, address: ADDRESS } }),
  'recursive tree': schema(TREE),
  'array of 1,000 choices': only({
    type: 'array',
    items: { enum: Array.from({ length: 1000 }, (_, i) => `choice ${(i * 7919) % 1000} of many`) },
  }),
  'open map of strings': schema({ type: 'object', additionalProperties: { type: 'string', maxLength: 50 } }),
  'maxLength 10': only({ type: 'array', items: { type: 'string', maxLength: 10 } }),
  'maxLength 100': only({ type: 'string', maxLength: 100 }),
  'maxLength 1000': only({ type: 'string', maxLength: 1000 }),
  'minLength 200': only({ type: 'string', minLength: 200 }),
  'five strings, minLength 20, maxLength 200': schema(
    object(
      Object.fromEntries(
        ['a', 'b', 'c', 'd', 'e'].map((key) => [key, { type: 'string', minLength: 20, maxLength: 200 }]),
      ),
    ),
  ),
  'pattern [a-z ]{1,200}': only({ type: 'string', pattern: '^[a-z ]{1,200}$' }),
  'pattern .*[0-9]{4}.* (search)': only({ type: 'string', pattern: '[0-9]{4}' }),
  'pattern of words': only({ type: 'string', pattern: '^[A-Z][a-zé]{1,20}( [A-Z][a-zé]{1,20}){0,5}$' }),
  'pattern [^<>]{1,300}': only({ type: 'string', pattern: '^[^<>]{1,300}$' }),
  'dates and times': only({
    type: 'array',
    items: { anyOf: ['date', 'time', 'date-time', 'duration'].map((format) => ({ type: 'string', format })) },
  }),
  'addresses (email, uri, ipv4, ipv6, hostname)': only({
    type: 'array',
    items: { anyOf: ['email', 'uri', 'ipv4', 'ipv6', 'hostname'].map((format) => ({ type: 'string', format })) },
  }),
  'numbers with bounds': only({
    type: 'array',
    items: {
      anyOf: [
        { type: 'number', exclusiveMinimum: -12.5, maximum: 1e6 },
        { type: 'integer', minimum: -40, maximum: 12345 },
      ],
    },
  }),
  'regex [\\s\\S]{1,500}': regex('[\\s\\S]{1,500}'),
  'regex of a table': regex('(\\| [^|\\n]{1,30} \\| [0-9]{1,6} \\|\\n){1,20}'),
  'GBNF arithmetic': {
    kind: 'ebnf',
    text: 'root ::= expr\nexpr ::= term (ws [-+] ws term)*\nterm ::= factor (ws [*/] ws factor)*\nfactor ::= [0-9]{1,9} | "(" expr ")"\nws ::= " "?',
  },
  'calls among free text': {
    kind: 'structural_tag',
    format: { type: 'triggered_tags', triggers: ['<tool_call>'], tags: CALLS },
  },
  'calls, at least one': {
    kind: 'structural_tag',
    format: { type: 'tags_with_separator', tags: CALLS, separator: '\n', at_least_one: true },
  },
};
