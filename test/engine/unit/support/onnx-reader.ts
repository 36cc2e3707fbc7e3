/** Reads what a test wants to know of a serialized ONNX model; fields as in onnx.proto. */
export interface OnnxNode {
  readonly operator: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, number>>;
}

export interface OnnxInitializer {
  readonly shape: readonly number[];
  readonly type: number;
  /** Location, offset and length, when its bytes are in a file. */
  readonly external: Readonly<Record<string, string>>;
  readonly rawBytes: number;
}

export interface OnnxModel {
  readonly nodes: readonly OnnxNode[];
  readonly initializers: ReadonlyMap<string, OnnxInitializer>;
  readonly inputs: ReadonlyMap<string, readonly (number | string)[]>;
  readonly outputs: ReadonlyMap<string, readonly (number | string)[]>;
}

export function readOnnx(bytes: Uint8Array): OnnxModel {
  const [graph] = new Fields(bytes).messages(7);
  return {
    nodes: graph.messages(1).map((node) => ({
      operator: node.text(4),
      inputs: node.texts(1),
      outputs: node.texts(2),
      attributes: Object.fromEntries(node.messages(5).map((entry) => [entry.text(1), entry.float(2) ?? entry.int(3)])),
    })),
    initializers: new Map(
      graph.messages(5).map((tensor) => [
        tensor.text(8),
        {
          shape: tensor.ints(1),
          type: tensor.int(2),
          external: Object.fromEntries(tensor.messages(13).map((entry) => [entry.text(1), entry.text(2)])),
          rawBytes: tensor.bytes(9).reduce((sum, raw) => sum + raw.length, 0),
        },
      ]),
    ),
    inputs: new Map(graph.messages(11).map(readValue)),
    outputs: new Map(graph.messages(12).map(readValue)),
  };
}

function readValue(value: Fields): [string, (number | string)[]] {
  const [tensorType] = value.messages(2)[0].messages(1);
  const dimensions = tensorType.messages(2)[0].messages(1);
  return [value.text(1), dimensions.map((dimension) => (dimension.has(2) ? dimension.text(2) : dimension.int(1)))];
}

/** The fields of one protobuf message. */
class Fields {
  private readonly fields = new Map<number, (bigint | Buffer)[]>();
  private position = 0;
  private readonly buffer: Buffer;

  constructor(bytes: Uint8Array) {
    this.buffer = Buffer.from(bytes);
    while (this.position < this.buffer.length) {
      const tag = Number(this.varint());
      const values = this.fields.get(tag >> 3) ?? [];
      this.fields.set(tag >> 3, values);
      values.push(this.value(tag & 7));
    }
  }

  has(field: number): boolean {
    return this.fields.has(field);
  }

  bytes(field: number): Buffer[] {
    return (this.fields.get(field) ?? []) as Buffer[];
  }

  messages(field: number): Fields[] {
    return this.bytes(field).map((bytes) => new Fields(bytes));
  }

  texts(field: number): string[] {
    return this.bytes(field).map((bytes) => bytes.toString('utf8'));
  }

  text(field: number): string {
    return this.texts(field)[0];
  }

  ints(field: number): number[] {
    return ((this.fields.get(field) ?? []) as bigint[]).map((value) => Number(BigInt.asIntN(64, value)));
  }

  int(field: number): number {
    return this.ints(field)[0];
  }

  float(field: number): number | undefined {
    return this.bytes(field)[0]?.readFloatLE();
  }

  private value(wireType: number): bigint | Buffer {
    switch (wireType) {
      case 0:
        return this.varint();
      case 2:
        return this.take(Number(this.varint()));
      case 5:
        return this.take(4);
      default:
        throw new Error(`wire type ${wireType} at byte ${this.position}`);
    }
  }

  private take(length: number): Buffer {
    const bytes = this.buffer.subarray(this.position, this.position + length);
    if (bytes.length !== length) throw new Error('a field is longer than its message');
    this.position += length;
    return bytes;
  }

  private varint(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.buffer[this.position++];
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  }
}
