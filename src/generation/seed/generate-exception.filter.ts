import { type ArgumentsHost, Catch, type ExceptionFilter } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { FastApiExceptionFilter } from '../../common/fastapi/fastapi-exception.filter.js';
import { InferenceError } from '../../inference/inference-provider.js';
import { speaksTgi } from '../tgi/tgi-body.pipe.js';
import { TgiExceptionFilter } from '../tgi/tgi-exception.filter.js';
import { SeedExceptionFilter } from './seed-exception.filter.js';

/** For the one route of two dialects: errors are those of the dialect that the body speaks. */
@Catch()
export class GenerateExceptionFilter implements ExceptionFilter {
  private readonly tgi = new TgiExceptionFilter();
  private readonly seed = new SeedExceptionFilter('prompt');
  private readonly fastApi = new FastApiExceptionFilter();

  catch(error: unknown, host: ArgumentsHost): void {
    const { body } = host.switchToHttp().getRequest<FastifyRequest>();
    if (speaksTgi(body)) this.tgi.catch(error, host);
    else if (error instanceof InferenceError) this.seed.catch(error, host);
    else this.fastApi.catch(error, host);
  }
}
