import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { RawServerDefault } from 'fastify';

/** A body that claims to be JSON and is not. */
export class InvalidJsonError extends Error {
  override readonly name = 'InvalidJsonError';

  /** @param position of the first wrong character, if it is known */
  constructor(
    message: string,
    readonly position: number | undefined,
  ) {
    super(message);
  }
}

/**
 * Parses JSON bodies like Fastify's own parser, which guards against `__proto__`, but says what is wrong with them. An
 * empty body is none, not an error: what is missing is for validation to say.
 */
export function useJsonBodies(app: NestFastifyApplication): void {
  const parse = app.getHttpAdapter().getInstance().getDefaultJsonParser('error', 'error');
  app.useBodyParser<RawServerDefault>('application/json', {}, (request, body, done) => {
    const text = body.toString('utf8');
    if (text === '') return done(null, undefined);
    void parse(request, text, (error, value) => {
      if (error) done(describe(text));
      else done(null, value);
    });
  });
}

function describe(text: string): InvalidJsonError {
  try {
    JSON.parse(text);
    return new InvalidJsonError('The keys __proto__ and constructor.prototype are not allowed', undefined);
  } catch (error) {
    const { message } = error as SyntaxError;
    const position = /at position (\d+)/.exec(message)?.[1];
    return new InvalidJsonError(message, position === undefined ? undefined : Number(position));
  }
}
