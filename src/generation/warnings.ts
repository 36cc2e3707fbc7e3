import type { FastifyReply } from 'fastify';

/** In which answers name what had no effect; where the body has room for it, it says the same in `warnings`. */
export const WARNINGS_HEADER = 'x-warnings';

/**
 * Names in a header what had no effect: a structured field, which is a list of strings (RFC 9651). Where something is not
 * ASCII, as names that clients make up may be, there are question marks.
 */
export function tellWarnings(reply: FastifyReply, warnings: readonly string[]): void {
  if (warnings.length > 0) void reply.header(WARNINGS_HEADER, warnings.map(quote).join(', '));
}

function quote(text: string): string {
  return `"${text.replace(/[^\x20-\x7e]/g, '?').replace(/["\\]/g, '\\$&')}"`;
}
