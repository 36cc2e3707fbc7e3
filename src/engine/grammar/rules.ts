import { EngineError } from '../errors.js';
import type { CodePoints } from './code-points.js';

/** A part of a grammar. */
export type Node =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'characters'; readonly set: CodePoints }
  /** This token, by its id and not by what its text is. */
  | { readonly type: 'token'; readonly id: number }
  | { readonly type: 'sequence' | 'choice'; readonly parts: readonly Node[] }
  /** @param most Infinity for no limit */
  | { readonly type: 'repeat'; readonly part: Node; readonly least: number; readonly most: number }
  | { readonly type: 'rule'; readonly name: string };

/** A context-free grammar: what each rule stands for. */
export interface Rules {
  readonly root: string;
  readonly rules: ReadonlyMap<string, Node>;
}

export const EMPTY: Node = { type: 'text', text: '' };
/** Nothing is it, not even the empty text. */
export const NEVER: Node = { type: 'choice', parts: [] };

export function text(value: string): Node {
  return { type: 'text', text: value };
}

export function characters(set: CodePoints): Node {
  return { type: 'characters', set };
}

export function token(id: number): Node {
  return { type: 'token', id };
}

export function sequence(...parts: readonly Node[]): Node {
  return parts.length === 1 ? parts[0] : { type: 'sequence', parts };
}

export function choice(...parts: readonly Node[]): Node {
  return parts.length === 1 ? parts[0] : { type: 'choice', parts };
}

export function repeat(part: Node, least: number, most = Infinity): Node {
  return { type: 'repeat', part, least, most };
}

export function optional(part: Node): Node {
  return repeat(part, 0, 1);
}

export function rule(name: string): Node {
  return { type: 'rule', name };
}

/** @throws never returns */
export function invalid(message: string): never {
  throw new EngineError('grammar_invalid', message);
}

/** Rules in the making. */
export class RuleSet {
  private readonly rules = new Map<string, Node>();

  /** @returns a reference to the rule */
  define(name: string, node: Node): Node {
    this.rules.set(name, node);
    return rule(name);
  }

  /** A rule that is made when it is first asked for; it may refer to itself. */
  once(name: string, make: () => Node): Node {
    if (!this.rules.has(name)) {
      this.rules.set(name, NEVER);
      this.rules.set(name, make());
    }
    return rule(name);
  }

  /** A rule for a node that is used in several places, so that it is there once. */
  share(node: Node): Node {
    return this.define(`shared ${this.rules.size}`, node);
  }

  finish(root: Node): Rules {
    this.rules.set('root', root);
    return { root: 'root', rules: this.rules };
  }
}
