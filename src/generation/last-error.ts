import type { FastifyReply } from 'fastify';
import { InferenceError } from '../inference/inference-provider.js';

/**
 * After the headers are sent, an error is the last event.
 *
 * @param toEvent the error as the dialect tells it, and the status that it would have had
 */
export async function* withLastError(
  events: AsyncIterable<string>,
  reply: FastifyReply,
  toEvent: (error: unknown) => { readonly status: number; readonly event: string },
): AsyncGenerator<string, void> {
  try {
    yield* events;
  } catch (error) {
    if (error instanceof InferenceError && error.code === 'cancelled') return;
    const { status, event } = toEvent(error);
    if (status === 500) reply.log.error({ err: error }, 'request failed');
    yield event;
  }
}
