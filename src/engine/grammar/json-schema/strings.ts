import { anyCharacter, anyString, jsonCharacter } from '../json-text.js';
import { regexNode } from '../regex.js';
import { type Node, repeat, type RuleSet, sequence, text } from '../rules.js';

const DAY = '((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))';
const DATE = `[12][0-9]{3}-${DAY}`;
const TIME = '([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])';
const BYTE = '(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])';
const LABEL = '[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?';
const HOST = `${LABEL}(\\.${LABEL}){0,3}`;
const PATH = "[A-Za-z0-9._~!$&'()*+,;=:@-]";

/**
 * Texts of a format: not all that its standard allows, but none that it does not, in the forms that are usual. So there
 * is no 29th of February, and a URI has a host.
 */
export const FORMATS: Readonly<Record<string, string>> = {
  date: DATE,
  time: TIME,
  'date-time': `${DATE}T${TIME}`,
  duration: 'P([1-9][0-9]{0,3}W|[1-9][0-9]{0,3}D(T[1-9][0-9]{0,3}[HMS])?|T[1-9][0-9]{0,3}[HMS])',
  email: `[A-Za-z0-9_+-]{1,32}(\\.[A-Za-z0-9_+-]{1,31})?@${LABEL}(\\.${LABEL})?\\.[A-Za-z]{2,12}`,
  hostname: HOST,
  ipv4: `${BYTE}(\\.${BYTE}){3}`,
  ipv6: '[0-9a-f]{1,4}(:[0-9a-f]{1,4}){7}',
  uuid: '[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}',
  uri: `(https?|ftp)://${HOST}(:[1-9][0-9]{1,3})?(/${PATH}*)*`,
  'uri-reference': `(/${PATH}+)+`,
};

export interface StringLimits {
  readonly least: number;
  /** Infinity for no limit. */
  readonly most: number;
}

export function stringOf({ least, most }: StringLimits, rules: RuleSet): Node {
  if (least === 0 && most === Infinity) return anyString(rules);
  return sequence(text('"'), repeat(anyCharacter(rules), least, most), text('"'));
}

/** @param search whether it is enough that a part of the string matches */
export function stringMatching(pattern: string, search: boolean): Node {
  return sequence(text('"'), regexNode(pattern, { charactersOf: jsonCharacter, search }), text('"'));
}

/** How many characters the texts that match have. */
export function lengthsOf(pattern: string, search: boolean): StringLimits {
  return lengths(regexNode(pattern, { search }));
}

function lengths(node: Node): StringLimits {
  switch (node.type) {
    case 'text':
      return { least: Array.from(node.text).length, most: Array.from(node.text).length };
    case 'characters':
    case 'token':
      return { least: 1, most: 1 };
    case 'sequence':
      return node.parts.map(lengths).reduce((a, b) => ({ least: a.least + b.least, most: a.most + b.most }), NOTHING);
    case 'choice':
      return node.parts
        .map(lengths)
        .reduce((a, b) => ({ least: Math.min(a.least, b.least), most: Math.max(a.most, b.most) }), NEVER);
    case 'repeat': {
      const { least, most } = lengths(node.part);
      return { least: least * node.least, most: most === 0 ? 0 : most * node.most };
    }
    case 'rule':
      return { least: 0, most: Infinity };
  }
}

const NOTHING: StringLimits = { least: 0, most: 0 };
const NEVER: StringLimits = { least: Infinity, most: 0 };
