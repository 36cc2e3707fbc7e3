import {
  characters,
  choice,
  EMPTY,
  invalid,
  NEVER,
  type Node,
  optional,
  repeat,
  type RuleSet,
  sequence,
  text,
  token,
} from './rules.js';
import { charactersOf, complement } from './code-points.js';
import { parseEbnf } from './ebnf.js';
import type { Marker, StructuralTagFormat, TagFormat } from './grammar.js';
import { jsonSchemaNode } from './json-schema/json-schema.js';
import { regexNode } from './regex.js';
import type { TokenNames } from './token-names.js';

const MAX_DEPTH = 50;
const MAX_MARKER = 1_000;

/** @throws {EngineError} grammar_invalid */
export function structuralTagNode(format: StructuralTagFormat, rules: RuleSet, tokens: TokenNames): Node {
  return new TagConverter(rules, tokens).convert(format, undefined, 0);
}

class TagConverter {
  private grammars = 0;

  constructor(
    private readonly rules: RuleSet,
    private readonly tokens: TokenNames,
  ) {}

  /** @param end what ends free text, and stands after it */
  convert(format: StructuralTagFormat, end: Marker | undefined, depth: number): Node {
    if (depth > MAX_DEPTH) invalid(`the structural tag is nested deeper than ${MAX_DEPTH}`);
    const inside = (part: StructuralTagFormat): Node => this.convert(part, undefined, depth + 1);
    const close = this.marker(end ?? '');
    switch (format.type) {
      case 'const_string':
        return sequence(text(format.value), close);
      case 'token':
        return sequence(this.marker(format), close);
      case 'json_schema':
        return sequence(jsonSchemaNode(format.json_schema, this.rules, this.name()), close);
      case 'regex':
        return sequence(regexNode(format.pattern), close);
      case 'grammar':
        return sequence(this.grammar(format.grammar), close);
      case 'any_text':
        return this.anyText(end);
      case 'sequence': {
        const { elements } = format;
        if (elements.length === 0) return close;
        return sequence(
          ...elements.slice(0, -1).map(inside),
          this.convert(elements[elements.length - 1], end, depth + 1),
        );
      }
      case 'or':
        return choice(...format.elements.map((part) => this.convert(part, end, depth + 1)));
      case 'tag':
        return sequence(this.tag(format, depth), close);
      case 'triggered_tags':
        return sequence(this.triggered(format, depth), close);
      case 'tags_with_separator':
        return sequence(this.separated(format, depth), close);
    }
  }

  private tag({ begin, content, end }: TagFormat, depth: number): Node {
    return this.rules.share(sequence(this.marker(begin), this.convert(content, end, depth + 1)));
  }

  private triggered(format: Extract<StructuralTagFormat, { type: 'triggered_tags' }>, depth: number): Node {
    const { triggers, tags, at_least_one: atLeastOne = false, stop_after_first: stopAfterFirst = false } = format;
    if (triggers.length === 0 || triggers.some((trigger) => textOf(trigger) === ''))
      invalid('a structural tag has to have triggers, none of them empty');
    const begins = (tag: TagFormat, trigger: Marker): boolean => textOf(tag.begin).startsWith(textOf(trigger));
    const orphan = tags.find((tag) => !triggers.some((trigger) => begins(tag, trigger)));
    if (orphan) invalid(`no trigger is the beginning of ${quote(textOf(orphan.begin))}`);
    const bare = triggers.find((trigger) => !tags.some((tag) => begins(tag, trigger)));
    if (bare !== undefined) invalid(`no tag begins with the trigger ${quote(textOf(bare))}`);
    const whole = choice(...tags.map((tag) => this.tag(tag, depth)));
    const free = this.freeText(triggers);
    // The trigger has been said by the free text before it.
    const rest = (trigger: Marker): Node =>
      choice(
        ...tags
          .filter((tag) => begins(tag, trigger))
          .map((tag) => this.tag({ ...tag, begin: textOf(tag.begin).slice(textOf(trigger).length) }, depth)),
      );
    const ways = triggers.map((trigger) => sequence(free.to(trigger), rest(trigger)));
    const next = this.rules.share(choice(...ways));
    if (stopAfterFirst) return atLeastOne ? whole : choice(free.without, next);
    return sequence(atLeastOne ? whole : EMPTY, repeat(next, 0), free.without);
  }

  private separated(format: Extract<StructuralTagFormat, { type: 'tags_with_separator' }>, depth: number): Node {
    const { tags, separator, at_least_one: atLeastOne = false, stop_after_first: stopAfterFirst = false } = format;
    const one = this.rules.share(choice(...tags.map((tag) => this.tag(tag, depth))));
    const list = stopAfterFirst ? one : sequence(one, repeat(sequence(text(separator), one), 0));
    return atLeastOne ? list : optional(list);
  }

  private grammar(source: string): Node {
    const { root, rules } = parseEbnf(source, this.tokens, this.name());
    for (const [name, node] of rules) this.rules.define(name, node);
    return { type: 'rule', name: root };
  }

  private name(): string {
    return `${++this.grammars}:`;
  }

  /** Any text, up to its end and with it. */
  private anyText(end: Marker | undefined): Node {
    const free = this.freeText(end === undefined ? [] : [end]);
    return end === undefined ? free.without : free.to(end);
  }

  /** A special token is in no text, so it need not be looked for; what is text may come to be with any tokens. */
  private freeText(markers: readonly Marker[]): FreeText {
    const special = new Map(markers.map((marker) => [marker, this.specialIdOf(marker)]));
    const texts = markers.filter((marker) => special.get(marker) === undefined).map(textOf);
    const free = freeText(texts, this.rules);
    return {
      to: (marker) => {
        const id = special.get(marker);
        return id === undefined ? free.to(textOf(marker)) : sequence(free.without, token(id));
      },
      without: free.without,
    };
  }

  /** Where the model has a token for it, this and no other tokens with its text. */
  private marker(marker: Marker): Node {
    const id = typeof marker === 'string' ? undefined : this.tokens.idOf(marker.token);
    return id === undefined ? text(textOf(marker)) : token(id);
  }

  private specialIdOf(marker: Marker): number | undefined {
    const id = typeof marker === 'string' ? undefined : this.tokens.idOf(marker.token);
    return id !== undefined && this.tokens.isSpecial(id) ? id : undefined;
  }
}

function textOf(marker: Marker): string {
  return typeof marker === 'string' ? marker : marker.token;
}

function quote(value: string): string {
  return JSON.stringify(value.slice(0, 80));
}

/** Text in which no marker stands. */
interface FreeText {
  /** Up to this marker, and with it. */
  readonly to: (marker: Marker) => Node;
  /** To the end, without any. */
  readonly without: Node;
}

const ANY_TEXT = repeat(characters(complement([])), 0);

/**
 * The automaton of Aho and Corasick as rules: what counts of the text so far is its longest end that is the beginning of
 * a marker.
 */
function freeText(
  markers: readonly string[],
  rules: RuleSet,
): { readonly to: (marker: string) => Node; readonly without: Node } {
  if (markers.length === 0) return { to: () => NEVER, without: ANY_TEXT };
  const length = markers.reduce((sum, marker) => sum + marker.length, 0);
  if (length > MAX_MARKER)
    invalid(`triggers or ends of structural tags have more than ${MAX_MARKER} characters together`);
  const beginnings = new Set(markers.flatMap((marker) => prefixesOf(marker)));
  const walk = (target: string | undefined): Node => {
    const name = (beginning: string): string => `free ${JSON.stringify([target ?? null, markers, beginning])}`;
    const accepts = (end: string): boolean | undefined => {
      const marker = markers.find((one) => end.endsWith(one));
      return marker === undefined ? undefined : marker === target;
    };
    for (const beginning of beginnings) {
      if (markers.includes(beginning)) continue;
      rules.once(name(beginning), () => {
        const nexts = nextCharacters(beginnings);
        const ways: Node[] = target === undefined ? [EMPTY] : [];
        for (const character of nexts) {
          const said = beginning + character;
          const accepted = accepts(said);
          if (accepted === undefined) {
            ways.push(sequence(text(character), { type: 'rule', name: name(longestEnd(said, beginnings)) }));
          } else if (accepted) {
            ways.push(text(character));
          }
        }
        const others = characters(complement(charactersOf(nexts.join(''))));
        return choice(...ways, sequence(others, { type: 'rule', name: name('') }));
      });
    }
    return { type: 'rule', name: name('') };
  };
  return {
    to: walk,
    get without() {
      return walk(undefined);
    },
  };
}

function prefixesOf(marker: string): string[] {
  const letters = Array.from(marker);
  return Array.from({ length: letters.length + 1 }, (_, count) => letters.slice(0, count).join(''));
}

function nextCharacters(beginnings: ReadonlySet<string>): string[] {
  return [...new Set([...beginnings].flatMap((beginning) => Array.from(beginning)))];
}

function longestEnd(said: string, beginnings: ReadonlySet<string>): string {
  const letters = Array.from(said);
  for (let from = 0; from < letters.length; from++) {
    const end = letters.slice(from).join('');
    if (beginnings.has(end)) return end;
  }
  return '';
}
