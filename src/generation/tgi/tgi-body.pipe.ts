import type { PipeTransform } from '@nestjs/common';
import type { ClassConstructor } from 'class-transformer';
import { validateBody } from '../../common/fastapi/validate-body.js';
import { RequestValidationError } from '../../common/fastapi/validation-fault.js';
import { type Body, warningsOf } from '../body.pipe.js';
import { TgiParameters } from './dto/parameters.dto.js';
import type { TgiRequest } from './dto/request.dto.js';

/** Whether a body, of whatever kind, is one of this dialect rather than the seed's. */
export function speaksTgi(body: unknown): boolean {
  return typeof body === 'object' && body !== null && Object.hasOwn(body, 'inputs') && !Object.hasOwn(body, 'prompt');
}

/** Validates a body with its parameters; all that is wrong is reported at once. */
export class TgiBodyPipe<T extends TgiRequest> implements PipeTransform<unknown, Body<T>> {
  constructor(private readonly type: ClassConstructor<T>) {}

  /** @throws {RequestValidationError} */
  transform(body: unknown): Body<T> {
    const outer = validateBody(this.type, body);
    const { parameters: given } = outer.value;
    const isWrong = outer.faults.some(({ loc }) => loc[1] === 'parameters');
    const inner = given && !isWrong ? validateBody(TgiParameters, given) : undefined;
    const innerFaults = (inner?.faults ?? []).map((fault) => ({
      ...fault,
      loc: ['body', 'parameters', ...fault.loc.slice(1)],
    }));
    const faults = [...outer.faults, ...innerFaults];
    if (faults.length > 0) throw new RequestValidationError(faults);
    const unknown = [...outer.unknown, ...(inner?.unknown ?? []).map((name) => `parameters.${name}`)];
    return { request: Object.assign(outer.value, { parameters: inner?.value }), warnings: warningsOf(unknown) };
  }
}
