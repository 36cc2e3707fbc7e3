/**
 * Element types as safetensors names them, with their size in bytes and their number in ONNX's TensorProto.DataType.
 * Only types that hold weights of a decoder are listed: a checkpoint with others (F8, I8, packed formats) is quantized
 * by a scheme of its own and must not be read as plain numbers.
 */
export const DATA_TYPES = {
  F32: { bytes: 4, onnx: 1 },
  F16: { bytes: 2, onnx: 10 },
  BF16: { bytes: 2, onnx: 16 },
} as const;

export type DataType = keyof typeof DATA_TYPES;

/** Sizes of the other types that a header may name, so that its offsets can be checked whatever it holds. */
const OTHER_TYPES: Readonly<Record<string, number>> = {
  F64: 8,
  I64: 8,
  U64: 8,
  I32: 4,
  U32: 4,
  I16: 2,
  U16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
  F8_E4M3: 1,
  F8_E5M2: 1,
  F8_E8M0: 1,
};

export function isWeightType(name: string): name is DataType {
  return Object.hasOwn(DATA_TYPES, name);
}

/** Bytes of one element, or undefined for a name that safetensors does not define. */
export function bytesOfElement(name: string): number | undefined {
  return isWeightType(name) ? DATA_TYPES[name].bytes : Object.hasOwn(OTHER_TYPES, name) ? OTHER_TYPES[name] : undefined;
}
