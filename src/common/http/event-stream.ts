import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';

/** Proxies close connections on which nothing comes, many after 30 or 60 seconds. */
const PING_INTERVAL_MS = 15_000;
/** A comment, which every reader of server-sent events skips. */
const PING = ': ping\n\n';

/** A server-sent event that carries a value as JSON. */
export function dataEvent(data: unknown): string {
  return `data: ${JSON.stringify(data)}\n\n`;
}

/** The same for readers that look at an event's name. */
export function namedEvent(name: string, data: unknown): string {
  return `event: ${name}\n${dataEvent(data)}`;
}

/**
 * The body of an answer that comes as server-sent events; for a handler to return. Events are asked for as fast as the
 * client reads. When it goes away, the iteration is left.
 *
 * @param events each ends with an empty line; never throws, since an error can only be an event by now
 */
export function eventStream(reply: FastifyReply, events: AsyncIterable<string>): Readable {
  void reply.headers({
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache',
    // nginx would hold events back until it has a buffer full of them.
    'x-accel-buffering': 'no',
  });
  return Readable.from(withPings(events));
}

/** Puts a comment wherever nothing comes for a while. */
export async function* withPings(
  events: AsyncIterable<string>,
  intervalMs = PING_INTERVAL_MS,
): AsyncGenerator<string, void> {
  const iterator = events[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = iterator.next();
      let result: IteratorResult<string> | undefined;
      while ((result = await within(intervalMs, next)) === undefined) yield PING;
      if (result.done) return;
      yield result.value;
    }
  } finally {
    await iterator.return?.();
  }
}

/** The promise's value, or undefined if that takes longer. */
async function within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<undefined>((resolve) => (timer = setTimeout(() => resolve(undefined), ms)));
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
