import { Float16Array } from '@petamoriken/float16';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ElementType, TypedArray } from '../onnx/tensor-data.js';
import { convertElements, decodeFloat16, findNonFinite, widens } from './elements.js';

const bits = (values: number[]) => new Uint16Array(new Float16Array(values).buffer);
const convert = (type: ElementType, data: TypedArray, to: ElementType) =>
  convertElements({ type, dims: [data.length], data }, to).data;

describe('convertElements', () => {
  test('leaves the same type alone, NaN payloads and all', () => {
    const tensor = { type: 'float16' as const, dims: [2], data: Uint16Array.of(0x7e01, 0x8000) };
    expect(convertElements(tensor, 'float16')).toBe(tensor);
  });

  test('float16 among float32 and float64', () => {
    const values = [0, -0, 1.5, -65504, 5.9604644775390625e-8, Number.POSITIVE_INFINITY];
    expect(convert('float16', bits(values), 'float32')).toEqual(Float32Array.from(values));
    expect(convert('float16', bits(values), 'float64')).toEqual(Float64Array.from(values));
    expect(convert('float32', Float32Array.from(values), 'float16')).toEqual(bits(values));
    expect(convert('float64', Float64Array.from([1 / 3, 65520]), 'float16')).toEqual(
      bits([1 / 3, Number.POSITIVE_INFINITY]),
    );
  });

  test('decodes all 65536 float16 values', () => {
    const all = Uint16Array.from({ length: 2 ** 16 }, (_, index) => index);
    expect(decodeFloat16(all)).toEqual(Float32Array.from(new Float16Array(all.buffer)));
  });

  test('float64 to float32 rounds to nearest', () =>
    fc.assert(
      fc.property(fc.double(), value => {
        expect(convert('float64', Float64Array.of(value), 'float32')[0]).toBe(Math.fround(value));
      }),
    ));

  test('integers widen without loss', () => {
    expect(convert('int8', Int8Array.of(-128, 127), 'int64')).toEqual(BigInt64Array.of(-128n, 127n));
    expect(convert('uint8', Uint8Array.of(255), 'int16')).toEqual(Int16Array.of(255));
    expect(convert('uint32', Uint32Array.of(2 ** 32 - 1), 'uint64')).toEqual(BigUint64Array.of(4294967295n));
    expect(convert('uint32', Uint32Array.of(2 ** 32 - 1), 'int64')).toEqual(BigInt64Array.of(4294967295n));
  });
});

test('widens: only where every value fits', () => {
  const integers: ElementType[] = ['int8', 'uint8', 'int16', 'uint16', 'int32', 'uint32', 'int64', 'uint64'];
  const allowed = integers.flatMap(from =>
    integers.filter(to => from !== to && widens(from, to)).map(to => `${from}>${to}`),
  );
  expect(allowed.join(' ')).toBe(
    'int8>int16 int8>int32 int8>int64 uint8>int16 uint8>uint16 uint8>int32 uint8>uint32 uint8>int64 uint8>uint64 ' +
      'int16>int32 int16>int64 uint16>int32 uint16>uint32 uint16>int64 uint16>uint64 int32>int64 uint32>int64 uint32>uint64',
  );
  expect(widens('bool', 'int8')).toBe(false);
  expect(widens('uint8', 'bool')).toBe(false);
  expect(widens('bool', 'bool')).toBe(true);
});

test('findNonFinite: the first NaN or infinity of floats, never of integers', () => {
  const find = (type: ElementType, data: TypedArray) => findNonFinite({ type, dims: [data.length], data });
  expect(find('float32', Float32Array.of(1, 3.4e38, -0, Number.NaN))).toBe(3);
  expect(find('float64', Float64Array.of(Number.NEGATIVE_INFINITY, Number.NaN))).toBe(0);
  expect(find('float16', bits([65504, -1, Number.POSITIVE_INFINITY]))).toBe(2);
  expect(find('float32', Float32Array.of(1, 2))).toBe(-1);
  expect(find('uint16', Uint16Array.of(0x7c00))).toBe(-1);
  expect(find('int64', BigInt64Array.of(1n))).toBe(-1);
});
