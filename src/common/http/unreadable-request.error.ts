/** A request that is not read on. Each dialect tells it in a shape of its own; the message is for the client. */
export abstract class UnreadableRequestError extends Error {
  abstract readonly statusCode: number;
}

/** A body that is packed: what it unpacks to may be any size, and nobody sends prompts so. */
export class PackedBodyError extends UnreadableRequestError {
  override readonly name = 'PackedBodyError';
  override readonly statusCode = 415;

  constructor() {
    super('The body must not be compressed: there must be no Content-Encoding');
  }
}

/** A path whose percent-encoding stands for no text. */
export class UnreadableUrlError extends UnreadableRequestError {
  override readonly name = 'UnreadableUrlError';
  override readonly statusCode = 400;

  constructor() {
    super('The URL cannot be decoded');
  }
}

/** What Fastify says 413 for. */
export const BODY_TOO_LARGE = 'The body has more than 1 MiB';
