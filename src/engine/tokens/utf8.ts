/** Bytes as text; what is no UTF-8 becomes U+FFFD, and a byte order mark is a character like any other. */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
/** The same, but a byte order mark in front is dropped. */
const strippingDecoder = new TextDecoder('utf-8');
const encoder = new TextEncoder();

export function encodeUtf8(text: string): readonly number[] {
  return Array.from(encoder.encode(text));
}

export function decodeUtf8(bytes: Uint8Array, stripByteOrderMark = false): string {
  return (stripByteOrderMark ? strippingDecoder : decoder).decode(bytes);
}

/**
 * Where the last character begins if bytes that follow may belong to it; the length if none can. Text decoded up to
 * there and from there is the text of the whole: before a lead byte, nothing is left open.
 */
export function incompleteFrom(bytes: Uint8Array): number {
  const { length } = bytes;
  for (let i = length - 1; i >= 0 && i >= length - 3; i--) {
    const byte = bytes[i];
    if (isContinuation(byte)) continue;
    return i + lengthOfCharacter(byte) > length ? i : length;
  }
  return length;
}

function isContinuation(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}

/** By the first byte; that of one which can begin no character does not matter. */
function lengthOfCharacter(lead: number): number {
  if (lead < 0xc0) return 1;
  if (lead < 0xe0) return 2;
  return lead < 0xf0 ? 3 : 4;
}
