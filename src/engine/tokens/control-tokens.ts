import { randomInt } from 'node:crypto';
import { isJsonObject, type JsonObject } from '../model/json.js';

/** An added token, as tokenizer.json has it. */
export interface ControlToken {
  readonly id: number;
  readonly content: string;
}

/** Characters that mean nothing and are for internal use: U+FDD0 to U+FDEF. */
const NONCHARACTERS = { first: 0xfdd0, count: 32 } as const;
/** Five bits each: nobody guesses one. */
const SECRET_LENGTH = 16;

/**
 * Keeps control tokens, which a template writes to say where a message ends and who speaks, apart from text of a chat that
 * only looks like them. Such text gets a mark before it is rendered, which goes with it through whatever a template
 * does; in the rendered text, what has a mark is text and what has none is a control token. That is told to a tokenizer
 * by another name of each control token, one that nobody can write since it is drawn at random.
 */
export class ControlTokens {
  private readonly mark = secret();
  private readonly seal = secret();
  private readonly contents: ReadonlySet<string>;
  /** Beginnings of control tokens, which what follows may complete. */
  private readonly beginnings: ReadonlySet<string>;
  private readonly longest: number;
  private readonly before: RegExp;
  private readonly unmarked: RegExp;

  constructor(private readonly tokens: readonly ControlToken[]) {
    const contents = tokens.map(({ content }) => content).filter((content) => content !== '');
    this.contents = new Set(contents);
    this.longest = Math.max(0, ...contents.map(({ length }) => length));
    this.beginnings = new Set(
      contents.flatMap((content) => Array.from({ length: content.length - 1 }, (_, i) => content.slice(0, i + 1))),
    );
    // The longest of those that begin alike comes first, as in the tokenizer's own search; none at all matches nothing.
    const any = [...this.contents].sort().reverse().map(escape).join('|') || '(?!)';
    this.before = new RegExp(`(?=${any})`, 'g');
    this.unmarked = new RegExp(`(?<!${this.mark})(?:${any})`, 'g');
  }

  /** A value whose strings, keys included, are marked wherever they read like a control token, or may come to. */
  marked<T>(value: T): T {
    return this.markAny(value) as T;
  }

  hasMarks(text: string): boolean {
    return text.includes(this.mark);
  }

  withoutMarks(text: string): string {
    return text.replaceAll(this.mark, '');
  }

  /** A rendered text for the sealed tokenizer. */
  sealText(text: string): string {
    return this.withoutMarks(text.replace(this.unmarked, (content) => this.nameOf(content)));
  }

  /** tokenizer.json with other names for the control tokens: what they are called here is no more than text. */
  sealTokenizer(json: JsonObject): JsonObject {
    const { added_tokens: added, model, post_processor: postProcessor } = json;
    const ids = new Set(this.tokens.map(({ id }) => id));
    return {
      ...json,
      added_tokens: (added as readonly ControlToken[]).map((token) =>
        // A name is not to be normalized: it would not be found.
        ids.has(token.id) ? { ...token, content: this.nameOf(token.content), normalized: false } : token,
      ),
      model: isJsonObject(model)
        ? { ...model, vocab: this.sealNames(model.vocab), unk_token: this.sealNames(model.unk_token) }
        : model,
      post_processor: this.sealNames(postProcessor),
    };
  }

  private nameOf(content: string): string {
    return `${this.seal}${content}${this.seal}`;
  }

  private markAny(value: unknown): unknown {
    if (typeof value === 'string') return this.markText(value);
    return mapParts(
      value,
      (part) => this.markAny(part),
      (key) => this.markText(key),
    );
  }

  private markText(text: string): string {
    const places = new Set(Array.from(text.matchAll(this.before), ({ index }) => index));
    for (let start = Math.max(0, text.length - this.longest + 1); start < text.length; start++) {
      if (this.beginnings.has(text.slice(start))) places.add(start);
    }
    const sorted = [...places].sort((a, b) => a - b);
    const pieces = sorted.map((place, i) => this.mark + text.slice(place, sorted[i + 1]));
    return text.slice(0, sorted[0]) + pieces.join('');
  }

  /** Names of control tokens, wherever they stand for themselves: keys and values that are nothing else. */
  private sealNames(value: unknown): unknown {
    const sealName = (name: string): string => (this.contents.has(name) ? this.nameOf(name) : name);
    if (typeof value === 'string') return sealName(value);
    return mapParts(value, (part) => this.sealNames(part), sealName);
  }
}

/** A list or an object with its parts changed; anything else as it is. */
function mapParts(value: unknown, change: (part: unknown) => unknown, changeKey: (key: string) => string): unknown {
  if (Array.isArray(value)) return value.map(change);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [changeKey(key), change(part)]));
}

function secret(): string {
  const { first, count } = NONCHARACTERS;
  return String.fromCharCode(...Array.from({ length: SECRET_LENGTH }, () => first + randomInt(count)));
}

function escape(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}
