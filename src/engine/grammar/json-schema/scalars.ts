import { INTEGER, NUMBER } from '../json-text.js';
import type { Node, RuleSet } from '../rules.js';
import { integersIn, type NumberRange, numbersIn } from './numbers.js';
import { countOf, refuse, type SchemaPart } from './schema-document.js';
import { FORMATS, lengthsOf, type StringLimits, stringMatching, stringOf } from './strings.js';

export function stringNode(part: SchemaPart, rules: RuleSet): Node {
  const { keywords, path } = part;
  const { pattern, format } = keywords;
  const limits = { least: countOf(part, 'minLength', 0), most: countOf(part, 'maxLength', Infinity) };
  if (limits.least > limits.most) refuse(path, 'has a minLength above its maxLength');
  if (pattern === undefined && format === undefined) return stringOf(limits, rules);
  if (pattern !== undefined && format !== undefined) {
    refuse(path, 'has both pattern and format, which cannot be enforced together');
  }
  const regex = pattern ?? (typeof format === 'string' && Object.hasOwn(FORMATS, format) ? FORMATS[format] : undefined);
  if (typeof regex !== 'string') {
    refuse(
      path,
      pattern === undefined ? `has a format that is not known: ${FORMAT_NAMES}` : 'has a pattern that is no text',
    );
  }
  const search = pattern !== undefined;
  if (!isWithin(lengthsOf(regex, search), limits)) {
    refuse(
      path,
      `has lengths that its ${search ? 'pattern' : 'format'} does not imply, which cannot be enforced together`,
    );
  }
  return stringMatching(regex, search);
}

const FORMAT_NAMES = `known are ${Object.keys(FORMATS).join(', ')}`;

function isWithin(lengths: StringLimits, limits: StringLimits): boolean {
  return lengths.least >= limits.least && lengths.most <= limits.most;
}

export function numberNode({ keywords, path }: SchemaPart, type: 'number' | 'integer'): Node {
  const { multipleOf = 1 } = keywords;
  if (multipleOf !== 1) refuse(path, 'has the keyword multipleOf, which cannot be enforced');
  const isWhole = type === 'integer' || keywords.multipleOf === 1;
  const range = rangeOf(keywords.format === 'int32' ? withinInt32(keywords) : keywords, path);
  if (Object.values(range).every((bound) => bound === undefined)) return isWhole ? INTEGER : NUMBER;
  const node = isWhole ? integersIn(range) : numbersIn(range);
  return node ?? refuse(path, 'has bounds of more than 15 digits, which cannot be enforced');
}

/** A format of OpenAPI's. */
function withinInt32(keywords: SchemaPart['keywords']): SchemaPart['keywords'] {
  const { minimum = -Infinity, maximum = Infinity } = keywords;
  return {
    ...keywords,
    minimum: Math.max(Number(minimum), -(2 ** 31)),
    maximum: Math.min(Number(maximum), 2 ** 31 - 1),
  };
}

function rangeOf(keywords: SchemaPart['keywords'], path: string): NumberRange {
  const bound = (keyword: string): number | undefined => {
    const value = keywords[keyword];
    if (value === undefined || (typeof value === 'number' && Number.isFinite(value))) return value;
    return refuse(path, `has ${keyword}, which has to be a number`);
  };
  const { minimum, maximum, above, below } = {
    minimum: bound('minimum'),
    maximum: bound('maximum'),
    above: bound('exclusiveMinimum'),
    below: bound('exclusiveMaximum'),
  };
  const aboveLeast = above !== undefined && above >= (minimum ?? -Infinity);
  const belowMost = below !== undefined && below <= (maximum ?? Infinity);
  return {
    least: aboveLeast ? above : minimum,
    aboveLeast: aboveLeast || undefined,
    most: belowMost ? below : maximum,
    belowMost: belowMost || undefined,
  };
}
