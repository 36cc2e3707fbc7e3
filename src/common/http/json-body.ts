import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyBodyParser, RawServerDefault } from 'fastify';
import { PackedBodyError } from './unreadable-request.error.js';

/** A body that claims to be JSON and is not. */
export class InvalidJsonError extends Error {
  override readonly name = 'InvalidJsonError';

  /** @param position of the first wrong character, if it is known */
  constructor(
    message: string,
    readonly position?: number,
  ) {
    super(message);
  }
}

/** The type itself, in place of Fastify's own parser, and what says of itself that it is JSON: application/problem+json. */
const JSON_TYPES = ['application/json', /^application\/[\w.-]+\+json\s*(;|$)/i] as const;
/** Deeper than any request of sense; what reads a body may recurse. */
const MAX_DEPTH = 1000;

/**
 * Parses JSON bodies like Fastify's own parser, which guards against `__proto__`, but says what is wrong with them, and
 * refuses text that is not UTF-8 rather than replace parts of it. An empty body is none, not an error: what is missing is
 * for validation to say.
 */
export function useJsonBodies(app: NestFastifyApplication): void {
  const parse = app.getHttpAdapter().getInstance().getDefaultJsonParser('error', 'error');
  const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const read: FastifyBodyParser<Buffer> = (request, body, done) => {
    if (body.length === 0) return done(null, undefined);
    let text: string;
    try {
      text = utf8.decode(body);
    } catch {
      return done(new InvalidJsonError('The body is not UTF-8'));
    }
    void parse(request, text, (error, value: unknown) => {
      if (error) done(describe(text));
      else if (isTooDeep(value)) done(new InvalidJsonError(`The body is nested more than ${MAX_DEPTH} deep`));
      else done(null, value);
    });
  };
  app
    .getHttpAdapter()
    .getInstance()
    .addHook('onRequest', ({ headers: { 'content-encoding': encoding = 'identity' } }, _, done) =>
      done(encoding === 'identity' ? undefined : new PackedBodyError()),
    );
  for (const type of JSON_TYPES) app.useBodyParser<RawServerDefault>(type, {}, read);
}

function describe(text: string): InvalidJsonError {
  try {
    JSON.parse(text);
    return new InvalidJsonError('The keys __proto__ and constructor.prototype are not allowed');
  } catch (error) {
    const { message } = error as SyntaxError;
    const position = /at position (\d+)/.exec(message)?.[1];
    return new InvalidJsonError(message, position === undefined ? undefined : Number(position));
  }
}

/** Goes through the value level by level, so that its own depth does not matter. */
function isTooDeep(value: unknown): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_DEPTH) return true;
    level = level.flatMap<unknown>(childrenOf);
  }
  return false;
}

function childrenOf(value: unknown): readonly unknown[] {
  return typeof value === 'object' && value !== null ? Object.values(value) : [];
}
