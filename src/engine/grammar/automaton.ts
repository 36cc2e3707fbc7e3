import { type CodePoints, utf8Sequences } from './code-points.js';
import { hasLong } from './plain-characters.js';
import { invalid, type Node, type Rules } from './rules.js';
import { shareArray } from './share-array.js';

/** What a place of an automaton does. */
export const PLACE = { bytes: 0, fork: 1, call: 2, end: 3, fail: 4, token: 5 } as const;

/** What a place is in a set that all plain characters of several bytes belong to: the one that stands for them, or another. */
export const LONG_SET = { no: 0, head: 1, other: 2 } as const;

/**
 * A grammar over the bytes of UTF-8 and tokens that it names, as a recursive transition network: the places of all rules one after the other. It
 * has nothing but numbers, in memory that threads can share.
 */
export interface Automaton {
  /** Of each place, one of `PLACE`. */
  readonly kinds: Uint8Array;
  /** bytes: the first and the last one to take; call: the place where the rule begins; fork: another way to go; token: its id. */
  readonly firsts: Int32Array;
  readonly lasts: Int32Array;
  /** Where to go on. */
  readonly nexts: Int32Array;
  /** Of each place, one of `LONG_SET`; where characters of several bytes begin, not within them. */
  readonly longs: Uint8Array;
  readonly start: number;
}

const MAX_PLACES = 400_000;
const MAX_DEPTH = 500;

/**
 * @throws {EngineError} grammar_invalid for rules that are missing, that nothing can be, that call themselves before
 * anything else, or that are too many
 */
export function buildAutomaton(grammar: Rules): Automaton {
  return new Builder(grammar, checkRules(grammar)).build();
}

class Builder {
  private readonly kinds: number[] = [];
  private readonly firsts: number[] = [];
  private readonly lasts: number[] = [];
  private readonly nexts: number[] = [];
  private readonly longs: number[] = [];
  private readonly begins = new Map<string, number>();
  private readonly calls: { readonly place: number; readonly name: string }[] = [];
  private readonly sets = new Map<string, CodePoints>();

  /** @param productive the rules that some text is */
  constructor(
    private readonly grammar: Rules,
    private readonly productive: ReadonlySet<string>,
  ) {}

  build(): Automaton {
    for (const [name, node] of this.grammar.rules) this.begins.set(name, this.add(node, this.end()));
    // Every set of characters is built once, however often it is repeated.
    for (const [name, set] of this.sets) this.begins.set(name, this.addSet(set, this.end()));
    for (const { place, name } of this.calls) this.firsts[place] = this.begins.get(name) as number;
    return {
      kinds: shareArray(Uint8Array, this.kinds),
      firsts: shareArray(Int32Array, this.firsts),
      lasts: shareArray(Int32Array, this.lasts),
      nexts: shareArray(Int32Array, this.nexts),
      longs: shareArray(Uint8Array, this.longs),
      start: this.begins.get(this.grammar.root) as number,
    };
  }

  /** @returns the place where the node begins, which goes on at `next` */
  private add(node: Node, next: number): number {
    switch (node.type) {
      case 'text':
        return this.addBytes(Buffer.from(node.text, 'utf8'), next);
      case 'characters':
        return this.addCharacters(node.set, next);
      case 'token':
        return this.place(PLACE.token, node.id, 0, next);
      case 'sequence':
        return node.parts.reduceRight((after, part) => this.add(part, after), next);
      case 'choice':
        // A way that never comes to an end is not begun.
        return this.addChoice(
          node.parts.filter((part) => isProductive(part, this.productive)),
          next,
        );
      case 'repeat':
        return this.addRepeat(node.part, node.least, node.most, next);
      case 'rule':
        return this.call(node.name, next);
    }
  }

  private addCharacters(set: CodePoints, next: number): number {
    if (set.length === 1 && set[0][1] <= 0x7f) return this.bytes(set[0][0], set[0][1], next);
    const name = `characters ${set.join(' ')}`;
    this.sets.set(name, set);
    return this.call(name, next);
  }

  private addSet(set: CodePoints, next: number): number {
    const ways = utf8Sequences(set).map((sequence) =>
      sequence.reduceRight((after, [first, last]) => this.bytes(first, last, after), next),
    );
    if (hasLong(set)) {
      const long = ways.filter((way) => this.lasts[way] > 0x7f);
      long.forEach((way, i) => (this.longs[way] = i === 0 ? LONG_SET.head : LONG_SET.other));
    }
    return this.forks(ways);
  }

  private addChoice(parts: readonly Node[], next: number): number {
    const texts = parts.flatMap((part) => (part.type === 'text' ? [Buffer.from(part.text, 'utf8')] : []));
    const others = parts.filter((part) => part.type !== 'text').map((part) => this.add(part, next));
    return this.forks([...this.addTexts(texts, 0, next), ...others]);
  }

  /** Texts that begin alike share their beginning, so that a text may be at few places at once. */
  private addTexts(texts: readonly Uint8Array[], from: number, next: number): number[] {
    if (texts.length < 2) return texts.map((bytes) => this.addBytes(bytes.subarray(from), next));
    const byFirst = new Map<number, Uint8Array[]>();
    const ways: number[] = [];
    for (const bytes of texts) {
      if (bytes.length === from) ways.push(next);
      else if (byFirst.has(bytes[from])) byFirst.get(bytes[from])?.push(bytes);
      else byFirst.set(bytes[from], [bytes]);
    }
    for (const [byte, alike] of byFirst) {
      ways.push(this.bytes(byte, byte, this.forks(this.addTexts(alike, from + 1, next))));
    }
    return ways;
  }

  private addBytes(bytes: Uint8Array, next: number): number {
    return bytes.reduceRight((after, byte) => this.bytes(byte, byte, after), next);
  }

  private forks(ways: readonly number[]): number {
    if (ways.length === 0) return this.place(PLACE.fail, 0, 0, 0);
    return ways.reduceRight((others, way) => this.place(PLACE.fork, others, 0, way));
  }

  private addRepeat(part: Node, least: number, most: number, next: number): number {
    if (!isProductive(part, this.productive)) return next;
    const add = this.repeatable(part, most === Infinity ? least + 1 : most);
    let begin = next;
    if (most === Infinity) {
      begin = this.place(PLACE.fork, next, 0, next);
      this.nexts[begin] = add(begin);
    } else {
      // From the last one on: each may be left out with all that follow.
      for (let i = least; i < most; i++) begin = this.place(PLACE.fork, next, 0, add(begin));
    }
    for (let i = 0; i < least; i++) begin = add(begin);
    return begin;
  }

  /** What is repeated is built once and called, unless that is no shorter. */
  private repeatable(part: Node, times: number): (next: number) => number {
    if (times <= 1 || part.type === 'rule' || part.type === 'characters') return (next) => this.add(part, next);
    const begin = this.add(part, this.end());
    return (next) => this.place(PLACE.call, begin, 0, next);
  }

  private bytes(first: number, last: number, next: number): number {
    return this.place(PLACE.bytes, first, last, next);
  }

  private call(name: string, next: number): number {
    const place = this.place(PLACE.call, 0, 0, next);
    this.calls.push({ place, name });
    return place;
  }

  private end(): number {
    return this.place(PLACE.end, 0, 0, 0);
  }

  private place(kind: number, first: number, last: number, next: number): number {
    if (this.kinds.length >= MAX_PLACES) {
      invalid('the grammar is too large: its alternatives and repetitions, written out, are too many');
    }
    this.kinds.push(kind);
    this.firsts.push(first);
    this.lasts.push(last);
    this.longs.push(LONG_SET.no);
    return this.nexts.push(next) - 1;
  }
}

/** @returns the rules that some text is */
function checkRules({ rules, root }: Rules): ReadonlySet<string> {
  for (const [name, node] of rules) {
    for (const used of rulesIn(node, 0)) {
      if (!rules.has(used)) invalid(`the grammar has no rule ${quote(used)}, which rule ${quote(name)} refers to`);
    }
  }
  if (!rules.has(root)) invalid(`the grammar has no rule ${quote(root)}, where it begins`);
  const productive = fixpoint(rules, (node, known) => isProductive(node, known));
  if (!productive.has(root)) invalid('the grammar has no end: no text is complete by it');
  const nullable = fixpoint(rules, (node, known) => isNullable(node, known));
  checkLeftRecursion(rules, nullable);
  return productive;
}

function* rulesIn(node: Node, depth: number): Generator<string> {
  if (depth > MAX_DEPTH) invalid(`the grammar is nested deeper than ${MAX_DEPTH}`);
  switch (node.type) {
    case 'rule':
      yield node.name;
      return;
    case 'repeat':
      yield* rulesIn(node.part, depth + 1);
      return;
    case 'sequence':
    case 'choice':
      for (const part of node.parts) yield* rulesIn(part, depth + 1);
      return;
    case 'text':
    case 'characters':
    case 'token':
  }
}

/** The rules for which a property holds that follows from that of other rules. */
function fixpoint(
  rules: Rules['rules'],
  holds: (node: Node, known: ReadonlySet<string>) => boolean,
): ReadonlySet<string> {
  const users = new Map<string, string[]>();
  for (const [name, node] of rules) {
    for (const used of new Set(rulesIn(node, 0))) {
      const known = users.get(used);
      if (known) known.push(name);
      else users.set(used, [name]);
    }
  }
  const known = new Set<string>();
  const open = [...rules.keys()];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (known.has(name) || !holds(rules.get(name) as Node, known)) continue;
    known.add(name);
    open.push(...(users.get(name) ?? []));
  }
  return known;
}

/** Whether some text is it. */
function isProductive(node: Node, known: ReadonlySet<string>): boolean {
  switch (node.type) {
    case 'text':
    case 'token':
      return true;
    case 'characters':
      return node.set.length > 0;
    case 'sequence':
      return node.parts.every((part) => isProductive(part, known));
    case 'choice':
      return node.parts.some((part) => isProductive(part, known));
    case 'repeat':
      return node.least === 0 || isProductive(node.part, known);
    case 'rule':
      return known.has(node.name);
  }
}

/** Whether the empty text is it. */
function isNullable(node: Node, known: ReadonlySet<string>): boolean {
  switch (node.type) {
    case 'text':
      return node.text === '';
    case 'characters':
    case 'token':
      return false;
    case 'sequence':
      return node.parts.every((part) => isNullable(part, known));
    case 'choice':
      return node.parts.some((part) => isNullable(part, known));
    case 'repeat':
      return node.least === 0 || isNullable(node.part, known);
    case 'rule':
      return known.has(node.name);
  }
}

/** A rule that begins with itself would be called again and again without anything read. */
function checkLeftRecursion(rules: Rules['rules'], nullable: ReadonlySet<string>): void {
  const done = new Set<string>();
  for (const start of rules.keys()) {
    // Depth first, without recursion: chains of rules can be long.
    const path = [{ name: start, open: Array.from(new Set(beginnings(rules.get(start) as Node, nullable))) }];
    const onPath = new Set([start]);
    while (path.length > 0 && !done.has(start)) {
      const { name, open } = path[path.length - 1];
      const next = open.pop();
      if (next === undefined) {
        done.add(name);
        onPath.delete(name);
        path.pop();
      } else if (onPath.has(next)) {
        invalid(`rule ${quote(next)} begins with itself (left recursion), which cannot be enforced`);
      } else if (!done.has(next)) {
        onPath.add(next);
        path.push({ name: next, open: Array.from(new Set(beginnings(rules.get(next) as Node, nullable))) });
      }
    }
  }
}

/** The rules that a node can begin with. */
function* beginnings(node: Node, nullable: ReadonlySet<string>): Generator<string> {
  switch (node.type) {
    case 'rule':
      yield node.name;
      return;
    case 'repeat':
      yield* beginnings(node.part, nullable);
      return;
    case 'choice':
      for (const part of node.parts) yield* beginnings(part, nullable);
      return;
    case 'sequence':
      for (const part of node.parts) {
        yield* beginnings(part, nullable);
        if (!isNullable(part, nullable)) return;
      }
      return;
    case 'text':
    case 'characters':
    case 'token':
  }
}

function quote(name: string): string {
  return JSON.stringify(name.slice(0, 80));
}
