import { type ArgumentsHost, Catch, type ExceptionFilter } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { FastApiExceptionFilter } from '../common/fastapi/fastapi-exception.filter.js';
import { InferenceError } from '../inference/inference-provider.js';
import { AnthropicExceptionFilter } from './anthropic/anthropic-exception.filter.js';
import { OpenAiExceptionFilter } from './openai/openai-exception.filter.js';
import { SeedExceptionFilter } from './seed/seed-exception.filter.js';
import { TgiExceptionFilter } from './tgi/tgi-exception.filter.js';

/**
 * For errors that reach no controller (a route that is not there, a body that cannot be read): by the path. Also for
 * modules of others that have no filter of their own: these get FastAPI's.
 */
@Catch()
export class DialectExceptionFilter implements ExceptionFilter {
  /** The first whose pattern fits tells the error. */
  private readonly dialects: readonly (readonly [RegExp, ExceptionFilter])[] = [
    [/^\/v1\/messages(\/|\?|$)/, new AnthropicExceptionFilter()],
    [/^\/(v1|tokenize|detokenize)(\/|\?|$)/, new OpenAiExceptionFilter()],
    [/^\/(generate_stream|info)?(\?|$)/, new TgiExceptionFilter()],
  ];
  private readonly fastApi = new FastApiExceptionFilter();
  private readonly seed = new SeedExceptionFilter();

  catch(error: unknown, host: ArgumentsHost): void {
    const { url } = host.switchToHttp().getRequest<FastifyRequest>();
    const dialect = this.dialects.find(([pattern]) => pattern.test(url))?.[1];
    if (dialect) dialect.catch(error, host);
    else if (error instanceof InferenceError) this.seed.catch(error, host);
    else this.fastApi.catch(error, host);
  }
}
