import { create } from '@bufbuild/protobuf';
import { Float16Array } from '@petamoriken/float16';
import { DataType, type TensorProto, TensorProtoSchema } from '../onnx/proto.js';

/** bfloat16 bits of a number: those of the float32, rounded to nearest, ties to even. */
function bfloat16Bits(values: ArrayLike<number>): Uint16Array<ArrayBuffer> {
  const bits = new Uint32Array(Float32Array.from(values).buffer);
  return Uint16Array.from(bits, (whole, at) =>
    Number.isNaN(values[at]) ? 0x7fc0 : (whole + 0x7fff + ((whole >>> 16) & 1)) >>> 16,
  );
}

const encoders: Partial<Record<DataType, (values: ArrayLike<number>) => ArrayBufferView<ArrayBuffer>>> = {
  [DataType.FLOAT]: values => Float32Array.from(values),
  [DataType.DOUBLE]: values => Float64Array.from(values),
  [DataType.FLOAT16]: values => {
    const halves = Float16Array.from(values);
    return new Uint8Array(halves.buffer as ArrayBuffer, halves.byteOffset, halves.byteLength);
  },
  [DataType.BFLOAT16]: bfloat16Bits,
  [DataType.INT32]: values => Int32Array.from(values),
  [DataType.INT64]: values => BigInt64Array.from(Array.from(values, BigInt)),
};

/** Whether tensors of this type can be written by `typedTensor`. */
export const isWritable = (dataType: number): boolean => encoders[dataType as DataType] !== undefined;

/** Gives a tensor new numbers of its own type, as raw data; numbers in a typed field or beside the model are dropped. Throws a RangeError for a type that is not written. */
export function setNumbers(tensor: TensorProto, values: ArrayLike<number>): void {
  const encode = encoders[tensor.dataType as DataType];
  if (!encode)
    throw new RangeError(`setNumbers: the type must be a float, int32 or int64, got ${DataType[tensor.dataType]}`);
  const { buffer, byteOffset, byteLength } = encode(values);
  tensor.rawData = new Uint8Array(buffer, byteOffset, byteLength);
  tensor.floatData = [];
  tensor.doubleData = [];
  tensor.int32Data = [];
  tensor.int64Data = [];
  tensor.externalData = [];
  tensor.dataLocation = 0;
}

/** A tensor of a float type, int32 or int64 with raw data. */
export function typedTensor(
  dataType: DataType,
  name: string,
  dims: readonly number[],
  values: ArrayLike<number>,
): TensorProto {
  const tensor = create(TensorProtoSchema, { name, dims: dims.map(BigInt), dataType });
  setNumbers(tensor, values);
  return tensor;
}
