import { type ClassConstructor, plainToInstance } from 'class-transformer';
import { getMetadataStorage, validateSync, type ValidationError } from 'class-validator';
import type { Fault, FaultOf } from './fields.js';
import type { ValidationFault } from './validation-fault.js';

/** A body as an object of its class, with everything that is wrong with it; without faults it is safe to use. */
export interface ValidatedBody<T> {
  readonly value: T;
  readonly faults: ValidationFault[];
  /** Names in the body that the class does not have; they were not looked at. */
  readonly unknown: readonly string[];
}

/** Reads a request body into a class whose fields are declared with the decorators of `fields.ts`. */
export function validateBody<T extends object>(type: ClassConstructor<T>, body: unknown): ValidatedBody<T> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return { value: new type(), faults: [wrongBody(body)], unknown: [] };
  }
  const fields = fieldsOf(type);
  const entries = Object.entries(body);
  // Fields that the class does not declare are not looked at: they may be many, and deep.
  const value = plainToInstance(type, Object.fromEntries(entries.filter(([name]) => fields.has(name))));
  // One fault for each field: what follows from a wrong type says nothing more.
  const errors = validateSync(value, { stopAtFirstError: true });
  return {
    value,
    faults: errors.map((error) => toFault(error, body as Record<string, unknown>)),
    unknown: entries.filter(([name, given]) => !fields.has(name) && given !== null).map(([name]) => name),
  };
}

function fieldsOf(type: ClassConstructor<object>): ReadonlySet<string> {
  const metadata = getMetadataStorage().getTargetValidationMetadatas(type, '', false, false);
  return new Set(metadata.map(({ propertyName }) => propertyName));
}

function wrongBody(body: unknown): ValidationFault {
  if (body === undefined || body === null)
    return { type: 'missing', loc: ['body'], msg: 'Field required', input: null };
  const msg = 'Input should be a valid dictionary or object to extract fields from';
  return { type: 'model_attributes_type', loc: ['body'], msg, input: body };
}

function toFault({ property, contexts, constraints }: ValidationError, body: Record<string, unknown>): ValidationFault {
  const loc = ['body', property];
  if (!Object.hasOwn(body, property)) return { type: 'missing', loc, msg: 'Field required', input: body };
  const input = body[property];
  const [constraint] = Object.keys(constraints ?? {});
  const { faultOf } = (contexts?.[constraint] ?? {}) as { faultOf?: FaultOf };
  const fault: Fault = faultOf?.(input) ?? { type: 'value_error', msg: String(constraints?.[constraint]) };
  const { type, msg, ctx, at = [] } = fault;
  return { type, loc: [...loc, ...at], msg, input, ...(ctx && { ctx }) };
}
