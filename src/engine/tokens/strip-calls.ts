import type { Template } from '@huggingface/jinja';

/** What templates call on a string to take characters from its ends, as in Python: `content.lstrip('\n')`. */
const ENDS = {
  strip: { start: true, end: true },
  lstrip: { start: true, end: false },
  rstrip: { start: false, end: true },
} as const;

const PREFIX = 'python_';

/**
 * The functions that `redirectStripCalls` calls instead. The characters are taken away in any order, none for none.
 */
export const STRIP_FUNCTIONS: Readonly<Record<string, (text: unknown, characters: unknown) => string>> =
  Object.fromEntries(
    Object.entries(ENDS).map(([name, ends]) => [
      PREFIX + name,
      (text: unknown, characters: unknown) => strip(text, characters, ends),
    ]),
  );

/**
 * Makes a template keep Python's meaning of `strip`, `lstrip` and `rstrip` with an argument, which the template engine
 * takes for none and then strips all white space: `x.strip(y)` becomes `python_strip(x, y)` in what was parsed.
 */
export function redirectStripCalls({ parsed }: Template): void {
  redirect(parsed);
}

function redirect(node: unknown): void {
  if (typeof node !== 'object' || node === null) return;
  for (const child of node instanceof Map ? [...node].flat() : Object.values(node)) redirect(child);
  if (!isStripCall(node)) return;
  const { object, property } = node.callee;
  property.value = PREFIX + property.value;
  node.args.unshift(object);
  (node as { callee: unknown }).callee = property;
}

interface StripCall {
  readonly callee: { readonly object: unknown; readonly property: { value: string } };
  readonly args: unknown[];
}

function isStripCall(node: object): node is StripCall {
  if (!is(node, 'CallExpression') || !Array.isArray(node.args) || node.args.length === 0) return false;
  const { callee } = node;
  if (!is(callee, 'MemberExpression') || callee.computed === true) return false;
  return is(callee.property, 'Identifier') && Object.hasOwn(ENDS, callee.property.value as string);
}

function is(node: unknown, type: string): node is Readonly<Record<string, unknown>> {
  return typeof node === 'object' && node !== null && 'type' in node && node.type === type;
}

function strip(text: unknown, characters: unknown, ends: { readonly start: boolean; readonly end: boolean }): string {
  if (typeof text !== 'string') throw new Error('strip() is called on what is no text');
  // What Python does with None.
  if (characters === null) return strip(text, WHITE_SPACE, ends);
  if (typeof characters !== 'string') throw new Error('strip() takes the characters as a text');
  const points = [...text];
  const taken = new Set(characters);
  let start = 0;
  let end = points.length;
  while (ends.start && start < end && taken.has(points[start])) start++;
  while (ends.end && end > start && taken.has(points[end - 1])) end--;
  return points.slice(start, end).join('');
}

const WHITE_SPACE = ' \t\n\r\v\f';
