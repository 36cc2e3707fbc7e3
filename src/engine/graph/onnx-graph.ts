import { DATA_TYPES, type DataType } from '../weights/data-type.js';
import { ProtobufMessage } from './protobuf.js';

/** TensorProto.DataType of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto, as far as it is used here. */
export const ONNX_TYPE = { float32: DATA_TYPES.F32.onnx, uint8: 2, int32: 6, int64: 7 } as const;
export type OnnxType = keyof typeof ONNX_TYPE;

export const MICROSOFT_DOMAIN = 'com.microsoft';
const OPSETS = [
  ['', 21],
  [MICROSOFT_DOMAIN, 1],
] as const;
const IR_VERSION = 10;
/** TensorProto.DataLocation. */
const EXTERNAL = 1;
const ATTRIBUTE_TYPE = { float: 1, int: 2 } as const;

/** A dimension: a size, or the name of one that is known only when the graph runs. */
export type Dimension = number | string;

/** A whole number is an `int` attribute; a float must say so, since 1 is both in JavaScript. */
export type Attribute = number | { readonly float: number };

export interface NodeOptions {
  readonly domain?: string;
  readonly attributes?: Readonly<Record<string, Attribute>>;
}

/** Bytes of a tensor that stay in a file next to the model. */
export interface ExternalData {
  readonly location: string;
  readonly offset: number;
  readonly length: number;
}

/** Writes an ONNX ModelProto node by node. Values are named by strings, as in ONNX itself. */
export class OnnxGraph {
  private readonly nodes: ProtobufMessage[] = [];
  private readonly initializers = new Map<string, ProtobufMessage>();
  private readonly inputs: ProtobufMessage[] = [];
  private readonly outputs: ProtobufMessage[] = [];

  /**
   * Adds a node.
   *
   * @param name also names its outputs: the first is `name`, the others `name:1`, …
   * @param inputs an empty string stands for an optional input that is left out
   * @param outputs how many outputs to name, or their names; an empty name leaves an optional output out
   * @returns the name of the first output
   */
  node(
    operator: string,
    name: string,
    inputs: readonly string[],
    options: NodeOptions & { readonly outputs?: readonly string[] } = {},
  ): string {
    const outputs = options.outputs ?? [name];
    const node = new ProtobufMessage();
    for (const input of inputs) node.string(1, input);
    for (const output of outputs) node.string(2, output);
    node.string(3, name).string(4, operator);
    for (const [key, value] of Object.entries(options.attributes ?? {})) node.message(5, attribute(key, value));
    if (options.domain) node.string(7, options.domain);
    this.nodes.push(node);
    return outputs[0];
  }

  /** Declares a weight whose bytes ONNX Runtime maps from its file itself. */
  externalInitializer(name: string, dtype: DataType, shape: readonly number[], data: ExternalData): string {
    const tensor = tensorProto(name, DATA_TYPES[dtype].onnx, shape);
    const entries = { location: data.location, offset: String(data.offset), length: String(data.length) };
    for (const [key, value] of Object.entries(entries)) {
      tensor.message(13, new ProtobufMessage().string(1, key).string(2, value));
    }
    this.initializers.set(name, tensor.int(14, EXTERNAL));
    return name;
  }

  /**
   * Declares a weight whose bytes are handed to the session in memory, under the same name.
   *
   * @param location a file that exists; the runtime insists on one, but does not read it
   */
  suppliedInitializer(name: string, type: OnnxType, shape: readonly number[], location: string): string {
    const entry = new ProtobufMessage().string(1, 'location').string(2, location);
    this.initializers.set(name, tensorProto(name, ONNX_TYPE[type], shape).message(13, entry).int(14, EXTERNAL));
    return name;
  }

  /** A constant whose bytes travel inside the model. */
  initializer(name: string, data: Float32Array | BigInt64Array, shape: readonly number[]): string {
    const type = data instanceof Float32Array ? ONNX_TYPE.float32 : ONNX_TYPE.int64;
    const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    this.initializers.set(name, tensorProto(name, type, shape).bytes(9, raw));
    return name;
  }

  input(name: string, type: OnnxType, shape: readonly Dimension[]): string {
    this.inputs.push(valueInfo(name, type, shape));
    return name;
  }

  output(name: string, type: OnnxType, shape: readonly Dimension[]): void {
    this.outputs.push(valueInfo(name, type, shape));
  }

  /** The serialized ModelProto. */
  serialize(): Uint8Array {
    const graph = new ProtobufMessage();
    for (const node of this.nodes) graph.message(1, node);
    graph.string(2, 'decoder');
    for (const initializer of this.initializers.values()) graph.message(5, initializer);
    for (const input of this.inputs) graph.message(11, input);
    for (const output of this.outputs) graph.message(12, output);
    const model = new ProtobufMessage().int(1, IR_VERSION).string(2, 'roost').message(7, graph);
    for (const [domain, version] of OPSETS) model.message(8, new ProtobufMessage().string(1, domain).int(2, version));
    return model.finish();
  }
}

function tensorProto(name: string, type: number, shape: readonly number[]): ProtobufMessage {
  const tensor = new ProtobufMessage();
  for (const size of shape) tensor.int(1, size);
  return tensor.int(2, type).string(8, name);
}

function attribute(name: string, value: Attribute): ProtobufMessage {
  const message = new ProtobufMessage().string(1, name);
  return typeof value === 'number'
    ? message.int(3, value).int(20, ATTRIBUTE_TYPE.int)
    : message.float(2, value.float).int(20, ATTRIBUTE_TYPE.float);
}

function valueInfo(name: string, type: OnnxType, shape: readonly Dimension[]): ProtobufMessage {
  const dimensions = new ProtobufMessage();
  for (const size of shape) {
    const dimension = new ProtobufMessage();
    dimensions.message(1, typeof size === 'number' ? dimension.int(1, size) : dimension.string(2, size));
  }
  const tensorType = new ProtobufMessage().int(1, ONNX_TYPE[type]).message(2, dimensions);
  return new ProtobufMessage().string(1, name).message(2, new ProtobufMessage().message(1, tensorType));
}
