import type { Seeded } from '../support/seeded.js';

type Schema = Record<string, unknown>;

const NAMES = ['a', 'b', 'id', 'größe', 'quo"te', 'x y', '日本', 'a/b~c'];
const VALUES = [null, true, 0, -1.5, 'a', 'é"\n', [], [1, 'a'], {}, { a: 1 }];

/** Some schema of what people write, among them some that contradict themselves. */
export function randomSchema(random: Seeded): Schema {
  const $defs = { one: part(random, 2), two: part(random, 1) };
  return { ...part(random, 3), $defs };
}

function part(random: Seeded, depth: number): Schema {
  const leaf = [scalar, enumeration, integer, number, string];
  const make =
    depth === 0 || random.chance(0.3) ? random.pick(leaf) : random.pick([object, object, array, union, reference]);
  const schema = make(random, depth - 1);
  return random.chance(0.2) ? { description: 'a note', ...schema } : schema;
}

function scalar(random: Seeded): Schema {
  return random.pick([{ type: 'boolean' }, { type: 'null' }, { type: ['string', 'null'] }, {}, { type: 'integer' }]);
}

function enumeration(random: Seeded): Schema {
  return random.chance(0.3) ? { const: random.pick(VALUES) } : { enum: random.list(3, () => random.pick(VALUES)) };
}

function integer(random: Seeded): Schema {
  const [least, most] = [random.integer(-200, 200), random.integer(-200, 1_000)];
  return bounds(random, 'integer', least, most);
}

function number(random: Seeded): Schema {
  const [least, most] = [random.integer(-2_000, 2_000) / 8, random.integer(-2_000, 90_000) / 1_000];
  return bounds(random, 'number', least, most);
}

function bounds(random: Seeded, type: string, least: number, most: number): Schema {
  return {
    type,
    ...(random.chance(0.5) && { [random.pick(['minimum', 'exclusiveMinimum'])]: least }),
    ...(random.chance(0.5) && { [random.pick(['maximum', 'exclusiveMaximum'])]: most }),
  };
}

function string(random: Seeded): Schema {
  return random.pick<Schema>([
    { type: 'string', minLength: random.integer(0, 3), maxLength: random.integer(2, 9) },
    { type: 'string', pattern: random.pick(['^a+b?$', '[0-9]{2}', '^\\w+@\\w+$', '^(x|yy)*$', '"']) },
    { type: 'string', format: random.pick(['date', 'uuid', 'email', 'date-time', 'ipv4']) },
    { type: 'string' },
  ]);
}

function object(random: Seeded, depth: number): Schema {
  const names = [...new Set(random.list(random.integer(0, 4), () => random.pick(NAMES)))];
  return {
    type: 'object',
    properties: Object.fromEntries(names.map((name) => [name, part(random, depth)])),
    required: names.filter(() => random.chance(0.5)),
    ...(random.chance(0.5) && { additionalProperties: random.chance(0.5) ? false : part(random, 0) }),
  };
}

function array(random: Seeded, depth: number): Schema {
  return {
    type: 'array',
    ...(random.chance(0.3) && { prefixItems: random.list(2, () => part(random, depth)) }),
    ...(random.chance(0.8) && { items: part(random, depth) }),
    ...(random.chance(0.3) && { minItems: random.integer(0, 3) }),
    ...(random.chance(0.3) && { maxItems: random.integer(1, 5) }),
  };
}

function union(random: Seeded, depth: number): Schema {
  const keyword = random.pick(['anyOf', 'anyOf', 'oneOf', 'allOf']);
  return { [keyword]: random.list(random.integer(1, 3), () => part(random, depth)) };
}

function reference(random: Seeded): Schema {
  return { $ref: random.pick(['#/$defs/one', '#/$defs/two', '#/$defs/two']) };
}
