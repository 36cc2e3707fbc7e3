import { ProtobufMessage } from '../../../src/engine/graph/protobuf.js';

function hex(message: ProtobufMessage): string {
  return (Buffer.from(message.finish()).toString('hex').match(/../g) ?? []).join(' ');
}

const message = (): ProtobufMessage => new ProtobufMessage();

describe('a protobuf message', () => {
  it('without fields is empty', () => {
    expect(hex(message())).toBe('');
  });

  it.each([
    [0, '08 00'],
    [1, '08 01'],
    [127, '08 7f'],
    [128, '08 80 01'],
    [150, '08 96 01'],
    [300, '08 ac 02'],
    [16_383, '08 ff 7f'],
    [16_384, '08 80 80 01'],
    [2 ** 32, '08 80 80 80 80 10'],
    [Number.MAX_SAFE_INTEGER, '08 ff ff ff ff ff ff ff 0f'],
    [2n ** 63n - 1n, '08 ff ff ff ff ff ff ff ff 7f'],
  ])('writes the integer %s in groups of seven bits, lowest first', (value, bytes) => {
    expect(hex(message().int(1, value))).toBe(bytes);
  });

  it.each([
    [-1, '08 ff ff ff ff ff ff ff ff ff 01'],
    [-1n, '08 ff ff ff ff ff ff ff ff ff 01'],
    [-2, '08 fe ff ff ff ff ff ff ff ff 01'],
    [-300, '08 d4 fd ff ff ff ff ff ff ff 01'],
    [-(2n ** 63n), '08 80 80 80 80 80 80 80 80 80 01'],
  ])('writes the negative integer %s in ten bytes', (value, bytes) => {
    expect(hex(message().int(1, value))).toBe(bytes);
  });

  it.each([
    [1, '08 01'],
    [15, '78 01'],
    [16, '80 01 01'],
    [20, 'a0 01 01'],
    [2047, 'f8 7f 01'],
    [2048, '80 80 01 01'],
  ])('writes field %i with its number and type in front', (field, bytes) => {
    expect(hex(message().int(field, 1))).toBe(bytes);
  });

  it.each([
    [1, '15 00 00 80 3f'],
    [-2.5, '15 00 00 20 c0'],
    [1e-6, '15 bd 37 86 35'],
    [0, '15 00 00 00 00'],
  ])('writes the float %d in four bytes, lowest first', (value, bytes) => {
    expect(hex(message().float(2, value))).toBe(bytes);
  });

  it.each([
    ['testing', '12 07 74 65 73 74 69 6e 67'],
    ['', '12 00'],
    ['é€', '12 05 c3 a9 e2 82 ac'],
  ])('writes the string %j as its length in UTF-8 bytes, and these', (value, bytes) => {
    expect(hex(message().string(2, value))).toBe(bytes);
  });

  it('writes bytes as they are', () => {
    expect(hex(message().bytes(9, Uint8Array.of(0, 255, 128)))).toBe('4a 03 00 ff 80');
  });

  it('writes a length above 127 as a varint too', () => {
    expect(hex(message().bytes(1, new Uint8Array(200))).slice(0, 11)).toBe('0a c8 01 00');
  });

  it('writes fields in the order in which they come, repeated ones as well', () => {
    expect(hex(message().int(2, 7).string(1, 'a').int(2, 8))).toBe('10 07 0a 01 61 10 08');
  });

  it('writes a message within as its length and its bytes', () => {
    expect(hex(message().message(3, message().int(1, 150)))).toBe('1a 03 08 96 01');
  });

  it('writes an empty message within as length 0', () => {
    expect(hex(message().message(3, message()))).toBe('1a 00');
  });

  it('adds the lengths of messages within messages up', () => {
    const innermost = message().string(1, 'ab');
    const inner = message().int(1, 1).message(2, innermost).float(3, 1);
    // 4 bytes innermost; inner: 2 + (2 + 4) + 5 = 13
    expect(hex(message().message(1, inner).int(2, 1))).toBe('0a 0d 08 01 12 04 0a 02 61 62 1d 00 00 80 3f 10 01');
  });

  it('takes a message within as it is then: what is added to that later is not in it', () => {
    const inner = message().int(1, 1);
    const outer = message().message(1, inner);
    inner.int(1, 2);
    expect(hex(outer)).toBe('0a 02 08 01');
  });
});
