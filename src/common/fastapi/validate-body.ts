import { type ClassConstructor, plainToInstance } from 'class-transformer';
import { getMetadataStorage, validateSync, type ValidationError } from 'class-validator';
import type { FaultOf } from './fields.js';
import type { ValidationFault } from './validation-fault.js';

/** A body as an object of its class, with everything that is wrong with it; without faults it is safe to use. */
export interface ValidatedBody<T> {
  readonly value: T;
  readonly faults: ValidationFault[];
}

/** Reads a request body into a class whose fields are declared with the decorators of `fields.ts`. */
export function validateBody<T extends object>(type: ClassConstructor<T>, body: unknown): ValidatedBody<T> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return { value: new type(), faults: [wrongBody(body)] };
  }
  const value = plainToInstance(type, onlyFieldsOf(type, body as Record<string, unknown>));
  // One fault for each field: what follows from a wrong type says nothing more.
  const errors = validateSync(value, { stopAtFirstError: true });
  return { value, faults: errors.map((error) => toFault(error, body as Record<string, unknown>)) };
}

/** Fields that the class does not declare are not looked at: they may be many, and deep. */
function onlyFieldsOf(type: ClassConstructor<object>, body: Record<string, unknown>): Record<string, unknown> {
  const metadata = getMetadataStorage().getTargetValidationMetadatas(type, '', false, false);
  const fields = new Set(metadata.map(({ propertyName }) => propertyName));
  return Object.fromEntries(
    [...fields].filter((field) => Object.hasOwn(body, field)).map((field) => [field, body[field]]),
  );
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
  const { type, msg, ctx } = faultOf?.(input) ?? { type: 'value_error', msg: String(constraints?.[constraint]) };
  return { type, loc, msg, input, ...(ctx && { ctx }) };
}
