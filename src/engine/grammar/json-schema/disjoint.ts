import { isDeepStrictEqual } from 'node:util';
import { isJsonObject } from '../../model/json.js';
import type { JsonType } from './keywords.js';
import { type SchemaDocument, type SchemaPart, typesOf } from './schema-document.js';

/**
 * Whether it is plain to see that no value written by either schema is valid by the other: other types, other constants,
 * a property with other constants, or a required one that the other does not have.
 */
export function areDisjoint(a: SchemaPart, b: SchemaPart, document: SchemaDocument): boolean {
  const [valuesA, valuesB] = [valuesOf(a), valuesOf(b)];
  if (valuesA && valuesB) return !valuesA.some((one) => valuesB.some((other) => isDeepStrictEqual(one, other)));
  const [typesA, typesB] = [allTypesOf(a), allTypesOf(b)];
  if (!typesA || !typesB) return false;
  if (!typesA.some((one) => typesB.some((other) => overlap(one, other)))) return true;
  const bothObjects = [typesA, typesB].every((types) => types.length === 1 && types[0] === 'object');
  return bothObjects && areDisjointObjects(a, b, document);
}

function areDisjointObjects(a: SchemaPart, b: SchemaPart, document: SchemaDocument): boolean {
  const [propertiesA, propertiesB] = [propertiesOf(a), propertiesOf(b)];
  const [requiredA, requiredB] = [requiredOf(a), requiredOf(b)];
  const isTold = requiredA.some((name) => {
    if (!requiredB.includes(name) || !Object.hasOwn(propertiesA, name) || !Object.hasOwn(propertiesB, name))
      return false;
    const [one, other] = [propertiesA, propertiesB].map((properties) =>
      valuesOf(document.read(properties[name], `${a.path}/properties`)),
    );
    return one && other && !one.some((value) => other.some((value2) => isDeepStrictEqual(value, value2)));
  });
  if (isTold) return true;
  return (
    requiredA.some((name) => isClosed(b) && !Object.hasOwn(propertiesB, name)) &&
    requiredB.some((name) => isClosed(a) && !Object.hasOwn(propertiesA, name))
  );
}

/** Whether what is written for it has no properties but its own. */
function isClosed({ keywords }: SchemaPart): boolean {
  const { additionalProperties = false, patternProperties, properties } = keywords;
  return additionalProperties === false && patternProperties === undefined && properties !== undefined;
}

function overlap(a: JsonType, b: JsonType): boolean {
  return a === b || (a === 'integer' && b === 'number') || (a === 'number' && b === 'integer');
}

function valuesOf({ keywords }: SchemaPart): readonly unknown[] | undefined {
  if ('const' in keywords) return [keywords.const];
  return Array.isArray(keywords.enum) ? (keywords.enum as unknown[]) : undefined;
}

function allTypesOf(part: SchemaPart): readonly JsonType[] | undefined {
  const values = valuesOf(part);
  return values ? values.map(typeOf) : typesOf(part);
}

function typeOf(value: unknown): JsonType {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value as JsonType;
}

function propertiesOf({ keywords }: SchemaPart): Record<string, unknown> {
  return isJsonObject(keywords.properties) ? keywords.properties : {};
}

function requiredOf({ keywords }: SchemaPart): string[] {
  return Array.isArray(keywords.required) ? keywords.required.map(String) : [];
}
