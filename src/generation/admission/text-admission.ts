import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { type Observable, tap } from 'rxjs';
import { Admission } from './admission.js';
import { tokensOf } from './estimate.js';

/**
 * For routes that only tokenize, count or explain: what waits for the thread of text is bounded like what waits for the
 * network, and shutdown waits for it.
 */
@Injectable()
export class TextAdmission implements NestInterceptor {
  constructor(private readonly admission: Admission) {}

  /**
   * @throws {DrainingError}
   * @throws {OverloadedError}
   */
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const { headers, body } = context.switchToHttp().getRequest<FastifyRequest>();
    // A body in chunks has no length until it is here.
    const characters = Number(headers['content-length'] ?? JSON.stringify(body ?? '').length);
    const ticket = this.admission.admitText(tokensOf(characters));
    return next.handle().pipe(tap({ complete: () => ticket.read(), error: (error: unknown) => ticket.fail(error) }));
  }
}
