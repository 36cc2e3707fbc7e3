import type { JsonObject } from '../model/json.js';

/** A JSON Schema: an object of keywords, or true for anything. */
export type JsonSchema = JsonObject | boolean;

/** What an answer has to be, from its first character to its last. */
export type Grammar =
  /** Any JSON object. */
  | { readonly kind: 'json_object' }
  /** JSON that a schema validates. What cannot be enforced of a schema is an error, never ignored. */
  | { readonly kind: 'json_schema'; readonly schema: JsonSchema }
  /** Text that a regular expression matches as a whole. */
  | { readonly kind: 'regex'; readonly pattern: string }
  /** One of these texts. */
  | { readonly kind: 'choice'; readonly choices: readonly string[] }
  /** Text of a context-free grammar in the notation of xgrammar, which is close to GBNF; its first rule is `root`. */
  | { readonly kind: 'ebnf'; readonly text: string }
  /** Parts of different kinds; tool calls among free text, for example. */
  | { readonly kind: 'structural_tag'; readonly format: StructuralTagFormat };

/** The token that is written so; its text where the model has no token of its own for it. */
export interface TokenFormat {
  readonly type: 'token';
  readonly token: string;
}

/** What sets parts of an answer apart: a text, or a token. */
export type Marker = string | TokenFormat;

/** A text between a beginning and an end. */
export interface TagFormat {
  readonly type: 'tag';
  readonly begin: Marker;
  readonly content: StructuralTagFormat;
  readonly end: Marker;
}

/**
 * How an answer is put together, in the form that xgrammar and vLLM have for it. A special token is no part
 * of any text: only a `token` is one.
 */
export type StructuralTagFormat =
  | { readonly type: 'const_string'; readonly value: string }
  | TokenFormat
  | { readonly type: 'json_schema'; readonly json_schema: JsonSchema }
  | { readonly type: 'regex'; readonly pattern: string }
  | { readonly type: 'grammar'; readonly grammar: string }
  /** Any text, up to the end of the tag that it stands in. */
  | { readonly type: 'any_text' }
  | { readonly type: 'sequence' | 'or'; readonly elements: readonly StructuralTagFormat[] }
  | TagFormat
  /**
   * Free text, in which a trigger begins one of the tags: each trigger has to be the beginning of a tag's `begin`.
   * With `at_least_one` the answer begins with a tag; with `stop_after_first` it ends with the first.
   */
  | {
      readonly type: 'triggered_tags';
      readonly triggers: readonly Marker[];
      readonly tags: readonly TagFormat[];
      readonly at_least_one?: boolean;
      readonly stop_after_first?: boolean;
    }
  /** Tags with nothing but the separator between them. */
  | {
      readonly type: 'tags_with_separator';
      readonly tags: readonly TagFormat[];
      readonly separator: string;
      readonly at_least_one?: boolean;
      readonly stop_after_first?: boolean;
    };
