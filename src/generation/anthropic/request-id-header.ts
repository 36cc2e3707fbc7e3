import type { FastifyReply } from 'fastify';

/** Says the request's id once more, where clients of this dialect look for it. */
export function tellRequestId(reply: FastifyReply): void {
  void reply.header('request-id', reply.request.id);
}
