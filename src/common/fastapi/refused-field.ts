import { CheckedField } from './fields.js';

/**
 * A parameter of OpenAI's that would change the answer, but that this server does not have: only a value that asks for
 * nothing is taken, since to ignore it would be a silent surprise.
 *
 * @param schema what is taken, for the document
 */
export function RefusedField(
  schema: object,
  asksForNothing: (value: unknown) => boolean,
  msg = 'This is not supported by this server',
): PropertyDecorator {
  return CheckedField({
    description: 'Not supported: only a value that asks for nothing is taken',
    schema: schema,
    check: (value) => (asksForNothing(value) ? undefined : { type: 'not_supported', msg }),
  });
}

/** Only null, or nothing at all. */
export const NOTHING = { type: 'null' } as const;

export const EMPTY_LIST = { type: 'array', nullable: true, maxItems: 0, items: {} } as const;

export function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}
