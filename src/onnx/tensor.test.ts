import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { getFloat16 } from '@petamoriken/float16';
import fc from 'fast-check';
import { StringStringEntryProtoSchema } from 'onnx-buf';
import { describe, expect, test } from 'vitest';
import { Failure } from '../failure.js';
import { floatTensor, intTensor } from './build.js';
import { DataLocation, DataType, TensorProtoSchema } from './proto.js';
import {
  checkTensor,
  dimsOf,
  elementCount,
  elementType,
  externalReference,
  isFloatType,
  tensorNumbers,
} from './tensor.js';

const none = new Map<string, Uint8Array>();
const numbersOf = (fields: MessageInitShape<typeof TensorProtoSchema>) =>
  Array.from(tensorNumbers(create(TensorProtoSchema, fields), none) as Iterable<number>);
const raw = (view: ArrayBufferView<ArrayBuffer>) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);

describe('numbers', () => {
  test.each([
    ['float32', DataType.FLOAT, Float32Array.of(1.5, -0, 2 ** -149), { floatData: [1.5, -0, 2 ** -149] }],
    ['float64', DataType.DOUBLE, Float64Array.of(0.1, -1e300), { doubleData: [0.1, -1e300] }],
    ['int64', DataType.INT64, BigInt64Array.of(-5n, 2n ** 40n), { int64Data: [-5n, 2n ** 40n] }],
    ['uint64', DataType.UINT64, BigUint64Array.of(5n, 2n ** 52n), { uint64Data: [5n, 2n ** 52n] }],
    ['int32', DataType.INT32, Int32Array.of(-1, 2 ** 31 - 1), { int32Data: [-1, 2 ** 31 - 1] }],
    ['uint32', DataType.UINT32, Uint32Array.of(0, 2 ** 32 - 1), { uint64Data: [0n, 2n ** 32n - 1n] }],
    ['int16', DataType.INT16, Int16Array.of(-7, 300), { int32Data: [-7, 300] }],
    ['uint16', DataType.UINT16, Uint16Array.of(65535), { int32Data: [65535] }],
    ['int8', DataType.INT8, Int8Array.of(-128, 127), { int32Data: [-128, 127] }],
    ['uint8', DataType.UINT8, Uint8Array.of(0, 255), { int32Data: [0, 255] }],
    ['bool', DataType.BOOL, Uint8Array.of(1, 0), { int32Data: [1, 0] }],
    ['float16', DataType.FLOAT16, Uint16Array.of(0x3c00, 0x8000, 0x0001), { int32Data: [0x3c00, 0x8000, 0x0001] }],
    ['bfloat16', DataType.BFLOAT16, Uint16Array.of(0x3f80, 0xc040), { int32Data: [0x3f80, 0xc040] }],
  ] as const)('%s are the same as raw bytes and in the typed field', (_, dataType, data, typed) => {
    const fields = { dataType, dims: [BigInt(data.length)] };
    const fromRaw = numbersOf({ ...fields, rawData: raw(data as unknown as Uint8Array<ArrayBuffer>) });
    expect(numbersOf({ ...fields, ...typed } as never)).toEqual(fromRaw);
    expect(fromRaw).toHaveLength(data.length);
    if (dataType === DataType.FLOAT16) expect(fromRaw).toEqual([1, -0, 2 ** -24]);
    else if (dataType === DataType.BFLOAT16) expect(fromRaw).toEqual([1, -3]);
    else expect(fromRaw).toEqual(Array.from(data as ArrayLike<number | bigint>, Number));
  });

  test('float16 agrees with the library’s decoder for every bit pattern', () => {
    const bits = Uint16Array.from({ length: 2 ** 16 }, (_, at) => at);
    const values = numbersOf({ dataType: DataType.FLOAT16, dims: [BigInt(bits.length)], rawData: raw(bits) });
    const view = new DataView(bits.buffer);
    expect(values.every((value, at) => Object.is(value, getFloat16(view, 2 * at, true)))).toBe(true);
  });

  test('do not depend on how the bytes are aligned', () => {
    fc.assert(
      fc.property(fc.float32Array(), fc.integer({ min: 0, max: 7 }), (values, shift) => {
        const bytes = new Uint8Array(values.byteLength + 8);
        bytes.set(raw(values as Float32Array<ArrayBuffer>), shift);
        const rawData = bytes.subarray(shift, shift + values.byteLength);
        expect(numbersOf({ dataType: DataType.FLOAT, dims: [BigInt(values.length)], rawData })).toEqual([...values]);
      }),
    );
  });

  test('of strings, complex numbers and sub-byte types are none', () => {
    for (const dataType of [
      DataType.STRING,
      DataType.COMPLEX64,
      DataType.COMPLEX128,
      DataType.INT4,
      DataType.FLOAT8E4M3FN,
      999,
    ])
      expect(
        tensorNumbers(create(TensorProtoSchema, { dataType, dims: [1n], rawData: new Uint8Array(8) }), none),
      ).toBeNull();
  });
});

describe('declared sizes', () => {
  test('scalars have one element, empty tensors none', () => {
    expect(elementCount(floatTensor('s', [], [1]))).toBe(1);
    expect(elementCount(intTensor('e', [0, 3], []))).toBe(0);
    expect(dimsOf(intTensor('e', [0, 3], []))).toEqual([0, 3]);
  });

  test('a tensor passes only with exactly the elements it declares', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 4 }),
        fc.integer({ min: -2, max: 2 }),
        (dims, off) => {
          const count = dims.reduce((a, b) => a * b, 1);
          const tensor = {
            ...floatTensor('t', [], new Float32Array(Math.max(0, count + off))),
            dims: dims.map(BigInt),
          };
          const check = () => checkTensor(tensor, none);
          if (tensor.rawData.length === 4 * count) expect(check).not.toThrow();
          else expect(check).toThrow(Failure);
        },
      ),
    );
  });

  test('types whose packing is not read here are left alone', () => {
    expect(() =>
      checkTensor(create(TensorProtoSchema, { dataType: DataType.INT4, dims: [3n], rawData: new Uint8Array(2) }), none),
    ).not.toThrow();
  });
});

describe('types', () => {
  test('those a session takes have a name, others none', () => {
    expect(elementType(DataType.FLOAT16)).toBe('float16');
    expect(elementType(DataType.BFLOAT16)).toBeNull();
    expect(elementType(-1)).toBeNull();
    expect([DataType.FLOAT, DataType.DOUBLE, DataType.FLOAT16, DataType.BFLOAT16].every(isFloatType)).toBe(true);
    expect([DataType.INT64, DataType.BOOL, DataType.UNDEFINED, DataType.STRING].some(isFloatType)).toBe(false);
  });
});

describe('external references', () => {
  const referring = (entries: Record<string, string>) =>
    create(TensorProtoSchema, {
      name: 'w',
      dataLocation: DataLocation.EXTERNAL,
      externalData: Object.entries(entries).map(([key, value]) => create(StringStringEntryProtoSchema, { key, value })),
    });

  test('have a location, and an offset and length where they are given', () => {
    expect(externalReference(referring({ location: 'w', offset: '8', length: '4', checksum: 'x' }))).toEqual({
      location: 'w',
      offset: 8,
      length: 4,
    });
    expect(externalReference(referring({ location: 'w' }))).toEqual({ location: 'w', offset: 0, length: null });
  });

  test.each([
    {},
    { location: 'w', offset: '-1' },
    { location: 'w', length: 'NaN' },
    { location: 'w', offset: '0x' },
    { location: 'w', offset: '1e300' },
  ])('refuse %j', entries =>
    expect(() => externalReference(referring(entries as Record<string, string>))).toThrow(
      /tensor 'w' must have a location and whole/,
    ),
  );
});
