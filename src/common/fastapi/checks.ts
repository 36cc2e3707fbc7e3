import type { Fault } from './fields.js';

/** Parts of the checks of fields that have a shape of their own: each returns what is wrong, or undefined. */

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function checkObject(value: unknown): Fault | undefined {
  return isObject(value) ? undefined : { type: 'dict_type', msg: 'Input should be an object' };
}

export function checkString(value: unknown): Fault | undefined {
  return typeof value === 'string' ? undefined : { type: 'string_type', msg: 'Input should be a valid string' };
}

export function checkBoolean(value: unknown): Fault | undefined {
  return typeof value === 'boolean' ? undefined : { type: 'bool_type', msg: 'Input should be a valid boolean' };
}

export function checkOneOf(value: unknown, known: readonly unknown[]): Fault | undefined {
  return known.includes(value) ? undefined : { type: 'enum', msg: `Input should be one of ${known.join(', ')}` };
}

export function checkInteger(value: unknown, ge: number): Fault | undefined {
  return Number.isSafeInteger(value) && (value as number) >= ge
    ? undefined
    : { type: 'int_type', msg: `Input should be a whole number of at least ${ge}` };
}

/** A list, and its items; the fault tells which. */
export function checkList(value: unknown, check: (item: unknown) => Fault | undefined): Fault | undefined {
  if (!Array.isArray(value)) return { type: 'list_type', msg: 'Input should be a valid list' };
  for (const [index, item] of value.entries()) {
    const fault = at([index], check(item));
    if (fault) return fault;
  }
  return undefined;
}

/** A field of an object; the fault tells which. What is left out, or null, is right unless it is required. */
export function checkField(
  object: Readonly<Record<string, unknown>>,
  name: string,
  check: (value: unknown) => Fault | undefined,
  required: 'required' | 'optional' = 'required',
): Fault | undefined {
  const value = object[name];
  if (required === 'optional' && (value === undefined || value === null)) return undefined;
  return at([name], value === undefined ? { type: 'missing', msg: 'Field required' } : check(value));
}

/** The first of these that found something. */
export function firstOf(...faults: readonly (Fault | undefined)[]): Fault | undefined {
  return faults.find((fault) => fault !== undefined);
}

function at(place: readonly (string | number)[], fault: Fault | undefined): Fault | undefined {
  return fault && { ...fault, at: [...place, ...(fault.at ?? [])] };
}
