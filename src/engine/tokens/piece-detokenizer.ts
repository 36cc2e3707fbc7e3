import type { Detokenizer } from './detokenizer.js';
import type { TokenPiece } from './token-pieces.js';
import { decodeUtf8, incompleteFrom } from './utf8.js';

const NOTHING = new Uint8Array(0);

export interface PieceSource {
  readonly stripsSpace: boolean;
  readonly stripsByteOrderMark: boolean;
  /** What a token adds; undefined for one that is left out of the text. */
  readonly pieceOf: (id: number) => TokenPiece | undefined;
}

/**
 * A detokenizer for decoders that give each token a piece of its own: it looks a token up, and decodes bytes only where
 * tokens meet within a character.
 */
export class PieceDetokenizer implements Detokenizer {
  /** Bytes that may be the beginning of a character. */
  private open: Uint8Array = NOTHING;
  /** Whether none of the bytes since the last text have been decoded yet. */
  private fresh = true;
  private mayStripSpace: boolean;

  constructor(private readonly source: PieceSource) {
    this.mayStripSpace = source.stripsSpace;
  }

  push(id: number): string {
    const piece = this.source.pieceOf(id);
    return piece ? this.emit(this.add(piece)) : '';
  }

  flush(): string {
    return this.emit(this.close());
  }

  private add(piece: TokenPiece): string {
    if (piece.bytes === undefined) return this.close() + piece.text;
    if (this.open.length > 0) return this.decode(piece.bytes);
    this.open = piece.rest;
    if (piece.text !== '') this.fresh = false;
    return piece.text;
  }

  private decode(added: Uint8Array): string {
    const bytes = new Uint8Array(this.open.length + added.length);
    bytes.set(this.open);
    bytes.set(added, this.open.length);
    const end = incompleteFrom(bytes);
    this.open = bytes.subarray(end);
    if (end === 0) return '';
    const text = decodeUtf8(bytes.subarray(0, end), this.fresh && this.source.stripsByteOrderMark);
    this.fresh = false;
    return text;
  }

  /** Text follows, or nothing: a character that is open will not complete. */
  private close(): string {
    this.fresh = true;
    if (this.open.length === 0) return '';
    const text = decodeUtf8(this.open);
    this.open = NOTHING;
    return text;
  }

  private emit(text: string): string {
    if (!this.mayStripSpace || text === '') return text;
    this.mayStripSpace = false;
    return text.startsWith(' ') ? text.slice(1) : text;
  }
}
