import { isDeepStrictEqual } from 'node:util';
import { isJsonObject } from '../../model/json.js';
import type { JsonType } from './keywords.js';
import { refuse, type SchemaPart, typesOf } from './schema-document.js';

/** One schema that says what both say, where that can be told in one. @throws {EngineError} grammar_invalid */
export function merge(a: SchemaPart, b: SchemaPart): SchemaPart {
  const { path } = a;
  const merged: Record<string, unknown> = { ...a.keywords };
  for (const [keyword, value] of Object.entries(b.keywords)) {
    const before = a.keywords[keyword];
    if (before === undefined || isDeepStrictEqual(before, value)) merged[keyword] = value;
    else merged[keyword] = mergeKeyword(keyword, a, b);
  }
  for (const [one, other] of [
    [a, b],
    [b, a],
  ]) {
    if (closes(one) && namesOf(other).some((name) => !namesOf(one).includes(name))) {
      refuse(path, 'forbids with additionalProperties what another part of it has, which cannot be enforced');
    }
  }
  return { keywords: merged, path };
}

function mergeKeyword(keyword: string, a: SchemaPart, b: SchemaPart): unknown {
  const [before, value] = [a.keywords[keyword], b.keywords[keyword]];
  switch (keyword) {
    case 'type':
      return mergeTypes(typesOf(a) as JsonType[], typesOf(b) as JsonType[]);
    case 'properties':
      if (isJsonObject(before) && isJsonObject(value)) return mergeProperties(before, value);
      break;
    case 'required':
      if (Array.isArray(before) && Array.isArray(value))
        return [...new Set([...(before as unknown[]), ...(value as unknown[])])];
      break;
    case 'enum':
      if (Array.isArray(before) && Array.isArray(value)) {
        return before.filter((one) => value.some((other) => isDeepStrictEqual(one, other)));
      }
      break;
    case 'minimum':
    case 'exclusiveMinimum':
    case 'minLength':
    case 'minItems':
    case 'minProperties':
      return Math.max(before as number, value as number);
    case 'maximum':
    case 'exclusiveMaximum':
    case 'maxLength':
    case 'maxItems':
    case 'maxProperties':
      return Math.min(before as number, value as number);
    case 'items':
      return { allOf: [before, value] };
  }
  return refuse(a.path, `has ${keyword} twice in ways that cannot be enforced together`);
}

function mergeTypes(a: readonly JsonType[], b: readonly JsonType[]): JsonType[] {
  const has = (types: readonly JsonType[], type: JsonType): boolean =>
    types.includes(type) || (type === 'integer' && types.includes('number'));
  return [...new Set([...a.filter((type) => has(b, type)), ...b.filter((type) => has(a, type))])];
}

function mergeProperties(a: Record<string, unknown>, b: Record<string, unknown>): Record<string, unknown> {
  const both = Object.keys(b).filter((name) => Object.hasOwn(a, name));
  return { ...a, ...b, ...Object.fromEntries(both.map((name) => [name, { allOf: [a[name], b[name]] }])) };
}

function closes({ keywords }: SchemaPart): boolean {
  const { additionalProperties, patternProperties } = keywords;
  return (additionalProperties !== undefined && additionalProperties !== true) || patternProperties !== undefined;
}

function namesOf({ keywords }: SchemaPart): string[] {
  return isJsonObject(keywords.properties) ? Object.keys(keywords.properties) : [];
}
