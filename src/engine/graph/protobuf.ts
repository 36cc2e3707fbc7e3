/**
 * The part of the protobuf wire format that an ONNX model needs: varints, 32-bit floats and length-delimited fields.
 * Source: https://protobuf.dev/programming-guides/encoding/
 */
const enum WireType {
  Varint = 0,
  LengthDelimited = 2,
  Fixed32 = 5,
}

export class ProtobufMessage {
  private readonly chunks: Uint8Array[] = [];
  private size = 0;

  /** A field of type int32, int64 or enum. Negative values take ten bytes, as the format demands. */
  int(field: number, value: number | bigint): this {
    this.tag(field, WireType.Varint);
    return this.varint(BigInt.asUintN(64, BigInt(value)));
  }

  float(field: number, value: number): this {
    this.tag(field, WireType.Fixed32);
    const bytes = Buffer.alloc(4);
    bytes.writeFloatLE(value);
    return this.push(bytes);
  }

  bytes(field: number, value: Uint8Array): this {
    this.tag(field, WireType.LengthDelimited);
    return this.varint(BigInt(value.byteLength)).push(value);
  }

  string(field: number, value: string): this {
    return this.bytes(field, Buffer.from(value, 'utf8'));
  }

  message(field: number, value: ProtobufMessage): this {
    this.tag(field, WireType.LengthDelimited);
    this.varint(BigInt(value.size));
    // Not spread: a graph has more chunks than a call may have arguments.
    for (const chunk of value.chunks) this.chunks.push(chunk);
    this.size += value.size;
    return this;
  }

  finish(): Uint8Array {
    return Buffer.concat(this.chunks, this.size);
  }

  private tag(field: number, type: WireType): void {
    this.varint(BigInt((field << 3) | type));
  }

  private varint(value: bigint): this {
    const bytes: number[] = [];
    while (value > 0x7fn) {
      bytes.push(Number(value & 0x7fn) | 0x80);
      value >>= 7n;
    }
    bytes.push(Number(value));
    return this.push(Uint8Array.from(bytes));
  }

  private push(bytes: Uint8Array): this {
    this.chunks.push(bytes);
    this.size += bytes.byteLength;
    return this;
  }
}
