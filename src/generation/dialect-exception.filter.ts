import { type ArgumentsHost, Catch, type ExceptionFilter } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { FastApiExceptionFilter } from '../common/fastapi/fastapi-exception.filter.js';
import { AnthropicExceptionFilter } from './anthropic/anthropic-exception.filter.js';
import { OpenAiExceptionFilter } from './openai/openai-exception.filter.js';

/** For errors that reach no controller (a route that is not there, a body that cannot be read): by the path. */
@Catch()
export class DialectExceptionFilter implements ExceptionFilter {
  /** The first whose pattern fits tells the error. */
  private readonly dialects: readonly (readonly [RegExp, ExceptionFilter])[] = [
    [/^\/v1\/messages(\/|\?|$)/, new AnthropicExceptionFilter()],
    [/^\/(v1|tokenize|detokenize)(\/|\?|$)/, new OpenAiExceptionFilter()],
    [/^/, new FastApiExceptionFilter()],
  ];

  catch(error: unknown, host: ArgumentsHost): void {
    const { url } = host.switchToHttp().getRequest<FastifyRequest>();
    this.dialects.find(([pattern]) => pattern.test(url))?.[1].catch(error, host);
  }
}
