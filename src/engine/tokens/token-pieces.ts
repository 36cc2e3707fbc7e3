import { isJsonObject } from '../model/json.js';
import { decodeUtf8, incompleteFrom } from './utf8.js';

const SPACE = ' ';

/** What a token adds to a text, whatever stands before it. */
export type TokenPiece =
  /** Text by itself, which ends the bytes before it; nothing of it is open. */
  | { readonly bytes: undefined; readonly text: string }
  /**
   * Bytes of a longer text in UTF-8. After bytes that are no beginning of a character, they are `text`, and then those of
   * `rest`, which may be the beginning of one.
   */
  | { readonly bytes: Uint8Array; readonly text: string; readonly rest: Uint8Array };

/** How a decoder makes a text of pieces. */
export interface PieceRules {
  /** Whether a space at the very beginning is dropped. */
  readonly stripsSpace: boolean;
  /** Whether a byte order mark at the beginning of bytes is dropped. */
  readonly stripsByteOrderMark: boolean;
  readonly pieceOf: (token: string) => TokenPiece;
}

/**
 * The rules of the decoder of a tokenizer.json, for the two kinds that nearly all decoder-only models have, as
 * @huggingface/tokenizers carries them out. Both give each token a piece of its own.
 *
 * @param added the contents of the added tokens
 * @returns undefined for a decoder of another kind
 */
export function readPieceRules(decoder: unknown, added: ReadonlySet<string>): PieceRules | undefined {
  if (!isJsonObject(decoder)) return undefined;
  if (decoder.type === 'ByteLevel') {
    const pieceOf = (token: string): TokenPiece => (added.has(token) ? whole(token) : ofBytes(byteLevelBytes(token)));
    return { stripsSpace: false, stripsByteOrderMark: false, pieceOf };
  }
  const metaspace = readByteFallback(decoder);
  if (!metaspace) return undefined;
  const pieceOf = (token: string): TokenPiece => {
    const text = token.replaceAll(metaspace.space, SPACE);
    const byte = fallbackByte(text);
    return byte === undefined ? whole(text) : ofBytes(Uint8Array.of(byte));
  };
  return { stripsSpace: metaspace.stripsSpace, stripsByteOrderMark: true, pieceOf };
}

/**
 * The decoder of Llama 2, Mistral and Gemma: `Replace` (▁ by a space), `ByteFallback`, `Fuse`, and for some `Strip` of one
 * space in front.
 */
function readByteFallback(decoder: Record<string, unknown>): { space: string; stripsSpace: boolean } | undefined {
  if (decoder.type !== 'Sequence' || !Array.isArray(decoder.decoders)) return undefined;
  const [replace, fallback, fuse, strip, ...others] = decoder.decoders as unknown[];
  if (!isJsonObject(replace) || replace.type !== 'Replace' || replace.content !== SPACE) return undefined;
  const { pattern } = replace;
  if (!isJsonObject(pattern) || typeof pattern.String !== 'string') return undefined;
  if (!isOfType(fallback, 'ByteFallback') || !isOfType(fuse, 'Fuse') || others.length > 0) return undefined;
  const stripsSpace = isJsonObject(strip) && isOfType(strip, 'Strip') && strip.content === SPACE && strip.start === 1;
  if (strip !== undefined && !(stripsSpace && strip.stop === 0)) return undefined;
  return { space: pattern.String, stripsSpace };
}

function isOfType(value: unknown, type: string): boolean {
  return isJsonObject(value) && value.type === type;
}

function whole(text: string): TokenPiece {
  return { bytes: undefined, text };
}

function ofBytes(bytes: Uint8Array): TokenPiece {
  const end = incompleteFrom(bytes);
  return { bytes, text: decodeUtf8(bytes.subarray(0, end)), rest: bytes.subarray(end) };
}

/** The byte that a token like `<0x0A>` stands for. */
function fallbackByte(token: string): number | undefined {
  if (token.length !== 6 || !token.startsWith('<0x') || !token.endsWith('>')) return undefined;
  const byte = Number.parseInt(token.slice(3, 5), 16);
  return Number.isNaN(byte) ? undefined : byte;
}

/** What a character of a byte-level vocabulary stands for; like the library, a character that it cannot have is a 0. */
function byteLevelBytes(token: string): Uint8Array {
  return Uint8Array.from(Array.from(token), (character) => BYTE_OF_CHARACTER.get(character) ?? 0);
}

/**
 * The alphabet of byte-level BPE: a byte that is a visible character of Latin-1 is written as that, the others in their
 * order as the characters from U+0100. Source: `bytes_to_unicode` of GPT-2's encoder.
 */
const BYTE_OF_CHARACTER: ReadonlyMap<string, number> = (() => {
  const bytes = new Map<string, number>();
  let next = 0x100;
  for (let byte = 0; byte < 256; byte++) {
    const visible = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    bytes.set(String.fromCharCode(visible ? byte : next++), byte);
  }
  return bytes;
})();
