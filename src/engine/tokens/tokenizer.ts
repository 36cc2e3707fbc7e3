import { join } from 'node:path';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import * as library from '@huggingface/tokenizers';
import { EngineError } from '../errors.js';
import { isJsonObject, readJsonObject, readOptionalJsonObject, type JsonObject } from '../model/json.js';
import { ControlTokens } from './control-tokens.js';
import type { Detokenizer } from './detokenizer.js';
import { PieceDetokenizer } from './piece-detokenizer.js';
import { type PieceRules, readPieceRules, type TokenPiece } from './token-pieces.js';
import { encodeUtf8 } from './utf8.js';
import { WindowDetokenizer } from './window-detokenizer.js';

/**
 * What is used of @huggingface/tokenizers. Its own declarations import each other without file extensions, which
 * Node's module resolution does not follow, so to the compiler they are empty.
 */
interface HuggingFaceTokenizer {
  encode(text: string, options: { add_special_tokens: boolean }): { ids: number[] };
  decode(ids: readonly number[], options: { clean_up_tokenization_spaces: boolean }): string;
  token_to_id(token: string): number | undefined;
  id_to_token(id: number): string | undefined;
  get_added_tokens_decoder(): Map<number, { special: boolean; content: string }>;
  model: { end_of_word_suffix?: string | null };
}
const { Tokenizer: HuggingFaceTokenizer } = library as unknown as {
  Tokenizer: new (tokenizer: JsonObject, config: JsonObject) => HuggingFaceTokenizer;
};

/** Special tokens that a chat template may name, as text. */
export type SpecialTokens = Readonly<Record<string, string>>;

const NONE: ReadonlySet<number> = new Set();
const NAMED_TOKENS = ['bos_token', 'eos_token', 'pad_token', 'unk_token'] as const;

/** A tokenizer that cannot encode. */
export type TokenDecoder = Omit<Tokenizer, 'encode' | 'encodeMarked'>;

/** Text to token ids and back, as `tokenizer.json` and `tokenizer_config.json` of a model folder define it. */
export class Tokenizer {
  /** Ids that never appear in an answer's text. */
  readonly specialIds: ReadonlySet<number>;
  /** Those of the special tokens that are found in text. */
  readonly controlTokens: ControlTokens;
  private readonly tokenizer: HuggingFaceTokenizer;
  private readonly addedIds: ReadonlyMap<string, number>;
  /** None for a decoder that does more than put pieces together. */
  private readonly rules: PieceRules | undefined;
  /** Pieces of the tokens that have been seen, by id. */
  private readonly pieces = new Map<number, TokenPiece>();

  /** The one that knows control tokens by other names; made when it is first needed, which is rare. */
  private sealed: HuggingFaceTokenizer | undefined;

  /** @throws {EngineError} model_invalid, naming the file */
  static load(folder: string): Tokenizer {
    const json = readJsonObject(join(folder, 'tokenizer.json'));
    const packed = deflateRawSync(JSON.stringify(json), { level: 1 });
    const whole = (): JsonObject => JSON.parse(inflateRawSync(packed).toString()) as JsonObject;
    const tokenizer = new Tokenizer(json, readTokenizerConfig(folder), whole);
    dropVocabulary(json);
    return tokenizer;
  }

  /**
   * A tokenizer that is only to decode: without the merges of a BPE vocabulary, which are half of its memory.
   *
   * @throws {EngineError} model_invalid, naming the file
   */
  static loadDecoder(folder: string): TokenDecoder {
    const tokenizer = readJsonObject(join(folder, 'tokenizer.json'));
    const { model } = tokenizer;
    if (isBpe(model)) model.merges = [];
    const decoder = new Tokenizer(tokenizer, readTokenizerConfig(folder), () => tokenizer);
    dropVocabulary(tokenizer);
    return decoder;
  }

  /** @param whole all of tokenizer.json, for another tokenizer like this one */
  private constructor(
    json: JsonObject,
    readonly config: JsonObject,
    private readonly whole: () => JsonObject,
  ) {
    try {
      this.tokenizer = new HuggingFaceTokenizer(json, config);
    } catch (error) {
      throw new EngineError('model_invalid', `tokenizer.json: cannot be used (${(error as Error).message})`);
    }
    this.specialIds = this.findSpecialIds();
    const addedTokens = Array.from(this.tokenizer.get_added_tokens_decoder(), ([id, { content }]) => ({ id, content }));
    this.controlTokens = new ControlTokens(addedTokens.filter(({ id }) => this.specialIds.has(id)));
    this.addedIds = new Map(addedTokens.map(({ id, content }) => [content, id]));
    const added = addedTokens.map(({ content }) => content);
    // With a suffix for the end of a word, the library goes over the whole text once more.
    if (!this.tokenizer.model.end_of_word_suffix) this.rules = readPieceRules(json.decoder, new Set(added));
  }

  /** The special tokens of the configuration, for the chat template. */
  get specialTokens(): SpecialTokens {
    return Object.fromEntries(
      NAMED_TOKENS.flatMap((name) => {
        const content = tokenContent(this.config[name]);
        return content === undefined ? [] : [[name, content]];
      }),
    );
  }

  /** @param addSpecialTokens whether the tokenizer adds what it was made to add, usually a BOS token in front */
  encode(text: string, addSpecialTokens: boolean): number[] {
    return this.tokenizer.encode(text, { add_special_tokens: addSpecialTokens }).ids;
  }

  /** The same for a rendered chat, whose marked parts are text, whatever they look like (see `ControlTokens`). */
  encodeMarked(text: string, addSpecialTokens: boolean): number[] {
    const { controlTokens: control } = this;
    if (!control.hasMarks(text)) return this.encode(text, addSpecialTokens);
    this.sealed ??= new HuggingFaceTokenizer(control.sealTokenizer(this.whole()), this.config);
    return this.sealed.encode(control.sealText(text), { add_special_tokens: addSpecialTokens }).ids;
  }

  /** The id of a token that is written exactly so, or undefined. */
  idOf(token: string): number | undefined {
    return this.tokenizer.token_to_id(token);
  }

  /** The id of the token that was added to the vocabulary and is written exactly so, or undefined. */
  addedIdOf(token: string): number | undefined {
    return this.addedIds.get(token);
  }

  /** The text of token ids, with special tokens left out unless asked for. */
  decode(ids: readonly number[], skipSpecialTokens = true): string {
    return this.decodeWithout(skipSpecialTokens ? this.specialIds : NONE, ids);
  }

  /** What a token says by itself, in UTF-8, also a special one; empty for an id without a token. */
  bytesOf(id: number): readonly number[] {
    const { rules } = this;
    if (!rules) return encodeUtf8(this.decode([id], false));
    const piece = this.pieceOf(id, rules);
    return piece?.bytes ? Array.from(piece.bytes) : encodeUtf8(piece?.text ?? '');
  }

  /** Whether tokens are pieces of text that only follow each other. */
  get hasPlainPieces(): boolean {
    return this.rules !== undefined;
  }

  /** Whether a space at the very beginning of a text is dropped. */
  get stripsSpace(): boolean {
    return this.rules?.stripsSpace ?? false;
  }

  /** The bytes that a plain piece adds to a text; undefined for special tokens and ids without a token. */
  plainBytesOf(id: number): Uint8Array | undefined {
    if (!this.rules || this.specialIds.has(id)) return undefined;
    const piece = this.pieceOf(id, this.rules);
    return piece && (piece.bytes ?? Uint8Array.from(encodeUtf8(piece.text)));
  }

  /**
   * For one answer: its pieces together are what `decode` makes of all its tokens.
   *
   * @param kept special tokens that have their text all the same
   */
  detokenizer(skipSpecialTokens: boolean, kept: readonly string[] = []): Detokenizer {
    const { rules } = this;
    const skipped = skipSpecialTokens ? this.specialIdsBut(kept) : NONE;
    if (!rules) return new WindowDetokenizer((ids) => this.decodeWithout(skipped, ids));
    const pieceOf = (id: number): TokenPiece | undefined => (skipped.has(id) ? undefined : this.pieceOf(id, rules));
    return new PieceDetokenizer({ ...rules, pieceOf });
  }

  private decodeWithout(skipped: ReadonlySet<number>, ids: readonly number[]): string {
    // A padded vocabulary has ids without a token; the library would stumble over them.
    const known = ids.filter((id) => !skipped.has(id) && this.tokenizer.id_to_token(id) !== undefined);
    // Never cleaned up: that moves characters that have been streamed already.
    return known.length === 0 ? '' : this.tokenizer.decode(known, { clean_up_tokenization_spaces: false });
  }

  private specialIdsBut(kept: readonly string[]): ReadonlySet<number> {
    if (kept.length === 0) return this.specialIds;
    const keptIds = new Set(kept.map((token) => this.idOf(token)));
    return new Set([...this.specialIds].filter((id) => !keptIds.has(id)));
  }

  private pieceOf(id: number, rules: PieceRules): TokenPiece | undefined {
    const known = this.pieces.get(id);
    if (known) return known;
    const token = this.tokenizer.id_to_token(id);
    if (token === undefined) return undefined;
    const piece = rules.pieceOf(token);
    this.pieces.set(id, piece);
    return piece;
  }

  private findSpecialIds(): Set<number> {
    const ids = new Set<number>();
    for (const [id, token] of this.tokenizer.get_added_tokens_decoder()) if (token.special) ids.add(id);
    const { additional_special_tokens: additional } = this.config;
    for (const token of Array.isArray(additional) ? additional : []) {
      const id = this.idOf(tokenContent(token) ?? '');
      if (id !== undefined) ids.add(id);
    }
    return ids;
  }
}

/** Takes out what the library holds on to, although it has made tables of its own of it: half of a tokenizer's memory. */
function dropVocabulary({ model }: JsonObject): void {
  if (!isBpe(model)) return;
  model.vocab = {};
  // The very list that the library holds.
  model.merges.length = 0;
}

function isBpe(model: unknown): model is JsonObject & { merges: unknown[] } {
  return isJsonObject(model) && Array.isArray(model.merges);
}

/** tokenizer_config.json over special_tokens_map.json, which older folders have as well. */
function readTokenizerConfig(folder: string): JsonObject {
  return {
    ...readOptionalJsonObject(join(folder, 'special_tokens_map.json')),
    ...readOptionalJsonObject(join(folder, 'tokenizer_config.json')),
  };
}

/** A token is written as a string or as the object of an AddedToken. */
function tokenContent(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return isJsonObject(value) && typeof value.content === 'string' ? value.content : undefined;
}
