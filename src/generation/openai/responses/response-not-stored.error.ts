/** Thrown for an answer that a client wants once more. */
export class ResponseNotStoredError extends Error {
  override readonly name = 'ResponseNotStoredError';

  constructor(id: string) {
    super(`There is no response ${JSON.stringify(id.slice(0, 200))}: this server stores none`);
  }
}
