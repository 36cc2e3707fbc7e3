import { Inject, Injectable, type PipeTransform } from '@nestjs/common';
import { validateBody } from '../../common/fastapi/validate-body.js';
import { RequestValidationError, type ValidationFault } from '../../common/fastapi/validation-fault.js';
import type { Config } from '../../config/config.js';
import { CONFIG } from '../../config/config.module.js';
import { GenerateRequest } from './dto/generate-request.dto.js';

/** Validates the body of `POST /generate`; all that is wrong is reported at once. */
@Injectable()
export class GenerateRequestPipe implements PipeTransform<unknown, GenerateRequest> {
  constructor(@Inject(CONFIG) private readonly config: Config) {}

  /** @throws {RequestValidationError} */
  transform(body: unknown): GenerateRequest {
    const { value, faults } = validateBody(GenerateRequest, body);
    const all = [...faults, ...this.limitFaults(value, faults, body)];
    if (all.length > 0) throw new RequestValidationError(all);
    return value;
  }

  /** The one limit that decorators cannot know, since it comes from the configuration. */
  private limitFaults(value: GenerateRequest, found: readonly ValidationFault[], body: unknown): ValidationFault[] {
    const { max_new_tokens: wanted } = value;
    const le = this.config.maxNewTokens;
    if (wanted === undefined || found.some(({ loc }) => loc[1] === 'max_new_tokens') || wanted <= le) return [];
    // As it was sent: it may be a number that is written as a string.
    const { max_new_tokens: input } = body as { max_new_tokens: unknown };
    const loc = ['body', 'max_new_tokens'];
    return [{ type: 'less_than_equal', loc, msg: `Input should be less than or equal to ${le}`, input, ctx: { le } }];
  }
}
