/** Element types of the tensors that go in and out of a session, spelled as ONNX Runtime spells them. */
export type ElementType =
  | 'float16'
  | 'float32'
  | 'float64'
  | 'int8'
  | 'uint8'
  | 'int16'
  | 'uint16'
  | 'int32'
  | 'uint32'
  | 'int64'
  | 'uint64'
  | 'bool';

export type TypedArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

/** A dense tensor as plain data, row-major. `float16` travels as its bits in a Uint16Array, `bool` as a Uint8Array. An `ort.Tensor` fits this type. */
export interface TensorData {
  readonly type: ElementType;
  readonly dims: readonly number[];
  readonly data: TypedArray;
}

/** What a model asks of one of its inputs. A dimension is a number, the name of a free dimension, or null where the file says nothing. */
export interface InputSpec {
  readonly name: string;
  readonly type: ElementType;
  readonly dims: readonly (number | string | null)[];
}

/** Some samples at once: one tensor for each input, with the samples along axis 0, of which the first `samples` count (the rest is padding). */
export interface Batch {
  readonly feeds: Readonly<Record<string, TensorData>>;
  readonly samples: number;
}
