import type { PipeTransform } from '@nestjs/common';
import type { ClassConstructor } from 'class-transformer';
import { validateBody } from '../common/fastapi/validate-body.js';
import { RequestValidationError } from '../common/fastapi/validation-fault.js';

/** A request body that is right in itself. */
export interface Body<T> {
  readonly request: T;
  /** What had no effect, in words; empty when all had. */
  readonly warnings: readonly string[];
}

const MAX_WARNINGS = 20;
const MAX_NAME_LENGTH = 100;

/** Validates a body. Parameters that nobody here knows are no error, but the answer names them. */
export class BodyPipe<T extends object> implements PipeTransform<unknown, Body<T>> {
  constructor(private readonly type: ClassConstructor<T>) {}

  /** @throws {RequestValidationError} */
  transform(body: unknown): Body<T> {
    const { value, faults, unknown } = validateBody(this.type, body);
    if (faults.length > 0) throw new RequestValidationError(faults);
    const warnings = unknown
      .slice(0, MAX_WARNINGS)
      .map((name) => `${name.slice(0, MAX_NAME_LENGTH)} is not known here and was ignored`);
    return { request: value, warnings };
  }
}
