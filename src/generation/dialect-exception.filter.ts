import { type ArgumentsHost, Catch, type ExceptionFilter } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { FastApiExceptionFilter } from '../common/fastapi/fastapi-exception.filter.js';
import { OpenAiExceptionFilter } from './openai/openai-exception.filter.js';
import { TgiExceptionFilter } from './tgi/tgi-exception.filter.js';

/** For errors that reach no controller (a route that is not there, a body that cannot be read): by the path. */
@Catch()
export class DialectExceptionFilter implements ExceptionFilter {
  private readonly openAi = new OpenAiExceptionFilter();
  private readonly tgi = new TgiExceptionFilter();
  private readonly fastApi = new FastApiExceptionFilter();

  catch(error: unknown, host: ArgumentsHost): void {
    const { url } = host.switchToHttp().getRequest<FastifyRequest>();
    this.filterOf(url).catch(error, host);
  }

  private filterOf(url: string): ExceptionFilter {
    if (/^\/(v1|tokenize|detokenize)(\/|\?|$)/.test(url)) return this.openAi;
    if (/^\/(generate_stream|info)?(\?|$)/.test(url)) return this.tgi;
    return this.fastApi;
  }
}
