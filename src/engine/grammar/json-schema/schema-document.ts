import { isJsonObject, type JsonObject } from '../../model/json.js';
import type { JsonSchema } from '../grammar.js';
import { invalid } from '../rules.js';
import { isAssertion, JSON_TYPES, type JsonType, UNSUPPORTED } from './keywords.js';

/** A schema with the keywords that say something about values, and where it stands. */
export interface SchemaPart {
  readonly keywords: JsonObject;
  /** A JSON pointer, for messages. */
  readonly path: string;
}

const MAX_CHARACTERS = 500_000;

/** A schema whose parts can refer to each other. */
export class SchemaDocument {
  /** @throws {EngineError} grammar_invalid for one that is too large */
  constructor(readonly root: JsonSchema) {
    const { length } = JSON.stringify(root);
    if (length > MAX_CHARACTERS) invalid(`the JSON schema has ${length} characters, more than ${MAX_CHARACTERS}`);
  }

  /**
   * What a schema says about values. `false` has the keyword `enum` with nothing in it.
   *
   * @throws {EngineError} grammar_invalid when it is no schema, or has keywords that cannot be enforced
   */
  read(schema: unknown, path: string): SchemaPart {
    if (typeof schema === 'boolean') return { keywords: schema ? {} : { enum: [] }, path };
    if (!isJsonObject(schema)) refuse(path, 'is no schema: it has to be an object or a boolean');
    const keywords = Object.fromEntries(Object.entries(schema).filter(([keyword]) => isAssertion(keyword)));
    for (const keyword of UNSUPPORTED) {
      if (keyword in keywords) refuse(path, `has the keyword ${keyword}, which cannot be enforced`);
    }
    if (keywords.uniqueItems === true) refuse(path, 'has the keyword uniqueItems, which cannot be enforced');
    delete keywords.uniqueItems;
    return { keywords, path };
  }

  /** The schema that a `$ref` names: the whole document, or a JSON pointer into it. */
  resolve(reference: unknown, path: string): SchemaPart {
    if (typeof reference !== 'string') refuse(path, 'has a $ref that is no string');
    if (!/^#(\/|$)/.test(reference))
      refuse(path, `refers to ${shorten(reference)}: only #, #/$defs/… and the like are known`);
    let found: unknown = this.root;
    for (const step of reference.split('/').slice(1).map(unescapePointer)) {
      const inside = (isJsonObject(found) || Array.isArray(found)) && Object.hasOwn(found, step);
      if (!inside) refuse(path, `refers to ${shorten(reference)}, which is not there`);
      found = (found as JsonObject)[step];
    }
    return this.read(found, reference);
  }
}

/** The types that a schema names, or undefined for all. */
export function typesOf({ keywords, path }: SchemaPart): JsonType[] | undefined {
  const { type } = keywords;
  if (type === undefined) return undefined;
  const types: unknown[] = Array.isArray(type) ? type : [type];
  for (const name of types) {
    if (!JSON_TYPES.includes(name as JsonType))
      refuse(path, `has the type ${shorten(JSON.stringify(name))}, which is none`);
  }
  return types as JsonType[];
}

/** The schemas of a keyword that has a list of them. */
export function schemasOf({ keywords, path }: SchemaPart, keyword: string): { schema: unknown; path: string }[] {
  const value = keywords[keyword];
  if (!Array.isArray(value) || value.length === 0) refuse(path, `has ${keyword}, which has to be a list of schemas`);
  return value.map((schema: unknown, index) => ({ schema, path: `${path}/${keyword}/${index}` }));
}

/** The schemas of a keyword that has an object of them. */
export function schemaMapOf({ keywords, path }: SchemaPart, keyword: string): [name: string, schema: unknown][] {
  const value = keywords[keyword] ?? {};
  if (!isJsonObject(value)) refuse(path, `has ${keyword}, which has to be an object of schemas`);
  return Object.entries(value);
}

/** A keyword that counts something. */
export function countOf({ keywords, path }: SchemaPart, keyword: string, otherwise: number): number {
  const value = keywords[keyword] ?? otherwise;
  if (value === Infinity) return Infinity;
  if (!Number.isSafeInteger(value) || (value as number) < 0)
    refuse(path, `has ${keyword}, which has to be a whole number`);
  return value as number;
}

/** @throws {EngineError} grammar_invalid */
export function refuse(path: string, what: string): never {
  return invalid(`the JSON schema at ${shorten(path)} ${what}`);
}

function shorten(value: string): string {
  return value.length > 120 ? `${value.slice(0, 120)}…` : value;
}

function unescapePointer(step: string): string {
  const plain = step.replaceAll('~1', '/').replaceAll('~0', '~');
  try {
    return decodeURIComponent(plain);
  } catch {
    return plain;
  }
}
