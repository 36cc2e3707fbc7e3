import { anyString, anyValue, COMMA, list, literal, member, otherKey } from '../json-text.js';
import { choice, EMPTY, NEVER, type Node, optional, repeat, type RuleSet, sequence, text } from '../rules.js';
import type { SchemaConverter } from './json-schema.js';
import { countOf, refuse, schemaMapOf, type SchemaPart } from './schema-document.js';
import { stringMatching } from './strings.js';

/** What may stand in a list, in this order, and what may follow. */
interface Row {
  readonly items: readonly { readonly node: Node; readonly required: boolean }[];
  readonly others: Node | undefined;
}

export function objectNode(part: SchemaPart, converter: SchemaConverter): Node {
  const { path } = part;
  const properties = schemaMapOf(part, 'properties');
  const required = requiredOf(part);
  const least = countOf(part, 'minProperties', 0);
  const most = countOf(part, 'maxProperties', Infinity);
  const others = otherMembers(part, converter, [...new Set([...properties.map(([name]) => name), ...required])]);
  if (properties.length === 0 && required.length === 0) return freeObject(part, others, least, most);
  const items = properties.map(([name, schema]) => ({
    node: member(literal(name), converter.convert(schema, `${path}/properties/${escapePointer(name)}`)),
    required: required.includes(name),
  }));
  // Required, but nothing is said about it: whatever other properties may be.
  const unsaid = required.filter((name) => !properties.some(([known]) => known === name));
  for (const name of unsaid) {
    if (part.keywords.additionalProperties === false) refuse(path, `requires ${name.slice(0, 80)}, which it forbids`);
    const { additionalProperties: schema = true } = part.keywords;
    const node = member(literal(name), converter.convert(schema, `${path}/additionalProperties`));
    items.push({ node, required: true });
  }
  if (least > required.length)
    refuse(path, 'has minProperties above the number of required ones, which cannot be enforced');
  if (most < items.length || (others !== undefined && most < Infinity)) {
    refuse(path, 'has maxProperties below the number of properties, which cannot be enforced');
  }
  return rowNode('{', { items, others }, '}', converter.rules);
}

/** An object whose properties have no names yet. */
function freeObject({ keywords, path }: SchemaPart, others: Node | undefined, least: number, most: number): Node {
  // The same key twice would be one property.
  if (least > 1) refuse(path, 'has minProperties above 1 without properties, which cannot be enforced');
  if (others === undefined) return least > 0 ? NEVER : text('{}');
  return keywords.properties !== undefined && keywords.additionalProperties === undefined
    ? text('{}')
    : list('{', others, '}', least, most);
}

function requiredOf({ keywords, path }: SchemaPart): string[] {
  const { required = [] } = keywords;
  const isList = Array.isArray(required) && required.every((name) => typeof name === 'string');
  return isList ? required : refuse(path, 'has required, which has to be a list of names');
}

const MAX_KEY = 200;

/** A property without a name of its own; undefined when there is none. */
function otherMembers(part: SchemaPart, converter: SchemaConverter, taken: readonly string[]): Node | undefined {
  const { keywords, path } = part;
  const { additionalProperties, propertyNames, patternProperties, unevaluatedProperties } = keywords;
  if (unevaluatedProperties !== undefined && typeof unevaluatedProperties !== 'boolean') {
    refuse(path, 'has the keyword unevaluatedProperties with a schema, which cannot be enforced');
  }
  if (propertyNames !== undefined || patternProperties !== undefined) {
    if (taken.length > 0) refuse(path, 'has patterns for names beside properties, which cannot be enforced together');
    return namedMember(part, converter);
  }
  const open = additionalProperties ?? unevaluatedProperties ?? taken.length === 0;
  if (open === false) return undefined;
  const value = converter.convert(open, `${path}/additionalProperties`);
  if (taken.length === 0) return member(anyString(converter.rules), value);
  if (taken.some((name) => name.length > MAX_KEY)) {
    refuse(path, `has a name longer than ${MAX_KEY} beside other properties, which cannot be enforced`);
  }
  return member(otherKey(taken), value);
}

/** A property whose name says what it may be. */
function namedMember(part: SchemaPart, converter: SchemaConverter): Node | undefined {
  const { keywords, path } = part;
  const { additionalProperties, propertyNames } = keywords;
  const patterns = schemaMapOf(part, 'patternProperties');
  if (patterns.length === 0) {
    if (additionalProperties === false) return undefined;
    const names = { allOf: [propertyNames, { type: 'string' }] };
    const value = converter.convert(additionalProperties ?? true, `${path}/additionalProperties`);
    return member(converter.convert(names, `${path}/propertyNames`), value);
  }
  if (patterns.length > 1 || propertyNames !== undefined) {
    refuse(path, 'has several patterns for names, which cannot be enforced together');
  }
  if (additionalProperties !== undefined && additionalProperties !== false) {
    refuse(path, 'has patternProperties beside additionalProperties, which cannot be enforced together');
  }
  const [[pattern, schema]] = patterns;
  return member(stringMatching(pattern, true), converter.convert(schema, `${path}/patternProperties`));
}

export function arrayNode(part: SchemaPart, converter: SchemaConverter): Node {
  const { keywords, path } = part;
  const { items, prefixItems, additionalItems, unevaluatedItems } = keywords;
  // Before 2020-12, a list of schemas was `items`, and what follows `additionalItems`.
  const prefix: unknown = prefixItems ?? (Array.isArray(items) ? items : []);
  if (!Array.isArray(prefix)) refuse(path, 'has prefixItems, which has to be a list of schemas');
  const after = Array.isArray(items) ? additionalItems : (items ?? unevaluatedItems);
  const least = countOf(part, 'minItems', 0);
  const most = countOf(part, 'maxItems', Infinity);
  if (least > most) refuse(path, 'has minItems above its maxItems');
  const first = prefix
    .slice(0, Math.min(prefix.length, most))
    .map((schema: unknown, i) => converter.convert(schema, `${path}/prefixItems/${i}`));
  const open = after ?? (first.length === 0 || least > first.length);
  if (first.length === 0) {
    if (open === false) return least > 0 ? NEVER : text('[]');
    const item = open === true ? anyValue(converter.rules) : converter.convert(open, `${path}/items`);
    // Of an item that cannot be there are none.
    return list('[', item, ']', least, most);
  }
  const more = most - first.length;
  const others = open === false || more <= 0 ? undefined : converter.convert(open, `${path}/items`);
  const tail = others && repeat(sequence(COMMA, others), Math.max(0, least - first.length), more);
  if (least > first.length && !tail) return NEVER;
  // An item may be left out only with all that follow.
  const row = first.reduceRight<Node>((rest, node, i) => {
    const entry = sequence(i === 0 ? EMPTY : COMMA, node, rest);
    return converter.rules.share(i < least ? entry : optional(entry));
  }, tail ?? EMPTY);
  return sequence(text('['), row, text(']'));
}

/** Entries in their order, each of which may be left out by itself unless it is required. */
function rowNode(open: string, { items, others }: Row, close: string, rules: RuleSet): Node {
  const entries = items.map(({ node, required }) => ({ node: rules.share(node), required }));
  const more = others ? rules.share(repeat(sequence(COMMA, others), 0)) : EMPTY;
  /** What may follow an entry that is there. */
  const tails: Node[] = [more];
  for (const { node, required } of [...entries].reverse()) {
    const next = sequence(COMMA, node);
    tails.unshift(rules.share(sequence(required ? next : optional(next), tails[0])));
  }
  // It begins with any up to the first required one.
  const ways: Node[] = [];
  for (const [i, { node, required }] of entries.entries()) {
    ways.push(sequence(node, tails[i + 1]));
    if (required) return sequence(text(open), choice(...ways), text(close));
  }
  if (others) ways.push(sequence(others, more));
  return sequence(text(open), optional(choice(...ways)), text(close));
}

function escapePointer(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}
