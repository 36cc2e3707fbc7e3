import { isDeepStrictEqual } from 'node:util';
import { isJsonObject } from '../../model/json.js';
import type { JsonSchema } from '../grammar.js';
import { anyValue, literal } from '../json-text.js';
import { choice, type Node, type RuleSet, text } from '../rules.js';
import { areDisjoint } from './disjoint.js';
import { JSON_TYPES, type JsonType, KEYWORDS_OF } from './keywords.js';
import { merge } from './merge.js';
import { arrayNode, objectNode } from './containers.js';
import { numberNode, stringNode } from './scalars.js';
import { refuse, SchemaDocument, type SchemaPart, schemasOf, typesOf } from './schema-document.js';

const MAX_DEPTH = 100;
const MAX_PARTS = 20_000;

/**
 * JSON that a schema validates, as compact as models write it: one space may follow a comma or a colon, properties come
 * in the order of the schema, and an object with `properties` has others only where `additionalProperties` asks for them.
 *
 * @param rules where the rules of its parts go
 * @throws {EngineError} grammar_invalid when it is no schema, or cannot be enforced as a whole
 */
export function jsonSchemaNode(schema: JsonSchema, rules: RuleSet, prefix: string): Node {
  return new SchemaConverter(new SchemaDocument(schema), rules, prefix).convert(schema, '#');
}

/** From schemas to nodes; what a part of a schema stands for, its neighbours ask here. */
export class SchemaConverter {
  private depth = 0;
  private parts = 0;

  constructor(
    private readonly document: SchemaDocument,
    readonly rules: RuleSet,
    private readonly prefix: string,
  ) {}

  convert(schema: unknown, path: string): Node {
    return this.node(this.document.read(schema, path));
  }

  private node(part: SchemaPart): Node {
    if (++this.parts > MAX_PARTS) refuse('#', `has more than ${MAX_PARTS} parts, written out`);
    if (++this.depth > MAX_DEPTH) refuse(part.path.slice(0, 40), `is nested deeper than ${MAX_DEPTH}`);
    try {
      return this.structure(part);
    } finally {
      this.depth--;
    }
  }

  private structure(part: SchemaPart): Node {
    const { keywords, path } = part;
    if (keywords.$ref !== undefined) {
      const { $ref, ...others } = keywords;
      const target = this.document.resolve($ref, path);
      if (Object.keys(others).length > 0) return this.node(merge({ keywords: others, path }, target));
      // A rule of its own, so that it may contain itself.
      return this.rules.once(`${this.prefix}${target.path}`, () => this.node(target));
    }
    if (keywords.allOf !== undefined) {
      const others = without(keywords, 'allOf');
      const parts = schemasOf(part, 'allOf').map(({ schema, path: at }) => this.withoutReference(schema, at));
      return this.node(parts.reduce(merge, { keywords: others, path }));
    }
    if (keywords.enum !== undefined || keywords.const !== undefined) return this.values(part);
    if (keywords.anyOf !== undefined) return this.alternatives(part, 'anyOf');
    if (keywords.oneOf !== undefined) return this.alternatives(part, 'oneOf');
    return choice(...this.typesIn(part).map((type) => this.ofType(type, part)));
  }

  /** @param depth how many references led here */
  private withoutReference(schema: unknown, path: string, depth = 0): SchemaPart {
    const part = this.document.read(schema, path);
    const { $ref, ...others } = part.keywords;
    if ($ref === undefined) return part;
    if (depth > MAX_DEPTH) refuse(path, 'refers to itself in a circle');
    const target = this.document.resolve($ref, path);
    return merge({ keywords: others, path }, this.withoutReference(target.keywords, target.path, depth + 1));
  }

  private alternatives(part: SchemaPart, keyword: 'anyOf' | 'oneOf'): Node {
    const others = without(part.keywords, keyword);
    const ways = schemasOf(part, keyword).map(({ schema, path }) => this.document.read(schema, path));
    if (keyword === 'oneOf') {
      const expanded = ways.map((way) => this.withoutReference(way.keywords, way.path));
      expanded.forEach((way, i) => {
        const other = expanded.slice(0, i).find((before) => !areDisjoint(before, way, this.document));
        if (!other) return;
        refuse(
          part.path,
          'has oneOf with schemas that may hold for the same value, which cannot be enforced; use anyOf',
        );
      });
    }
    if (Object.keys(others).length === 0) return choice(...ways.map((way) => this.node(way)));
    return choice(...ways.map((way) => this.node(merge({ keywords: others, path: part.path }, way))));
  }

  private values(part: SchemaPart): Node {
    const { keywords, path } = part;
    const { enum: listed, const: constant } = keywords;
    const [other] = Object.keys(without(keywords, 'enum', 'const', 'type'));
    if (other !== undefined) refuse(path, `has ${other} beside enum or const, which cannot be enforced together`);
    if (listed !== undefined && !Array.isArray(listed)) refuse(path, 'has enum, which has to be a list of values');
    const values: unknown[] = listed ?? [constant];
    const types = typesOf(part);
    const allowed = values.filter(
      (value) =>
        (types === undefined || types.some((type) => isOfType(value, type))) &&
        (constant === undefined || isDeepStrictEqual(value, constant)),
    );
    return choice(...allowed.map(literal));
  }

  /** The types named, or those that the keywords are about; all if there are none. */
  private typesIn(part: SchemaPart): readonly (JsonType | 'any')[] {
    const types = typesOf(part);
    if (types) return types.includes('number') ? types.filter((type) => type !== 'integer') : types;
    const meant = JSON_TYPES.filter((type) => KEYWORDS_OF[type]?.some((keyword) => keyword in part.keywords));
    return meant.length > 0 ? meant : ['any'];
  }

  private ofType(type: JsonType | 'any', part: SchemaPart): Node {
    switch (type) {
      case 'any':
        return anyValue(this.rules);
      case 'object':
        return objectNode(part, this);
      case 'array':
        return arrayNode(part, this);
      case 'string':
        return stringNode(part, this.rules);
      case 'number':
      case 'integer':
        return numberNode(part, type);
      case 'boolean':
        return choice(text('true'), text('false'));
      case 'null':
        return text('null');
    }
  }
}

export function isOfType(value: unknown, type: JsonType): boolean {
  switch (type) {
    case 'null':
      return value === null;
    case 'array':
      return Array.isArray(value);
    case 'object':
      return isJsonObject(value);
    case 'integer':
      return Number.isInteger(value);
    case 'string':
    case 'number':
    case 'boolean':
      return typeof value === type;
  }
}

function without(keywords: SchemaPart['keywords'], ...names: readonly string[]): SchemaPart['keywords'] {
  return Object.fromEntries(Object.entries(keywords).filter(([name]) => !names.includes(name)));
}
