import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Failure } from '../../failure.js';
import { parseIdx } from './idx.js';

/** An IDX file by its format: 0, 0, type, axes, dimensions and data, big-endian. */
const idx = (type: number, dims: readonly number[], data: ArrayLike<number>) => {
  const header = Buffer.alloc(4 + 4 * dims.length);
  header.set([0, 0, type, dims.length]);
  dims.forEach((dim, axis) => {
    header.writeUInt32BE(dim, 4 + 4 * axis);
  });
  return Buffer.concat([header, Buffer.from(Array.from(data))]);
};

test('bytes, gzipped or not', () => {
  const file = idx(8, [2, 1, 2], [0, 128, 255, 7]);
  for (const bytes of [file, gzipSync(file)])
    expect(parseIdx(bytes, 'x')).toEqual({ type: 'uint8', dims: [2, 1, 2], data: Buffer.from([0, 128, 255, 7]) });
});

test.each([
  [9, 'int8', Int8Array.of(-1, 2), [255, 2]],
  [11, 'int16', Int16Array.of(-2, 258), [255, 254, 1, 2]],
  [12, 'int32', Int32Array.of(-1, 16909060), [255, 255, 255, 255, 1, 2, 3, 4]],
  [13, 'float32', Float32Array.of(1.5, -2), [0x3f, 0xc0, 0, 0, 0xc0, 0, 0, 0]],
  [14, 'float64', Float64Array.of(1.5, -2), [0x3f, 0xf8, 0, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0]],
] as const)('type %i is %s, big-endian', (code, type, data, bytes) => {
  expect(parseIdx(idx(code, [2], bytes), 'x')).toEqual({ type, dims: [2], data });
});

test.each([
  ['an empty file', Buffer.alloc(0), 'the file must be IDX, as MNIST has it, got an empty file'],
  ['another file', Buffer.from('hello there'), 'the file must be IDX, as MNIST has it, got another kind of file'],
  ['an unknown type', idx(10, [1], [1]), 'the file must be IDX'],
  ['no axes', idx(8, [], []), 'the file must be IDX'],
  ['half a header', Buffer.from([0, 0, 8, 3, 0]), 'an IDX header of 3 axes must take 16 bytes, got 5'],
  ['no samples', idx(8, [0, 28], []), 'there must be a sample, got dims [0, 28]'],
  ['missing data', idx(8, [2, 2], [1, 2, 3]), 'dims [2, 2] must take 4 bytes, got 3'],
  ['more data', idx(8, [2], [1, 2, 3]), 'dims [2] must take 2 bytes, got 3'],
  ['damaged gzip', gzipSync(idx(8, [2], [1, 2])).subarray(0, 12), 'compressed data must be whole gzip'],
])('refuses %s', (_, bytes, message) => {
  expect(() => parseIdx(bytes, 'x')).toThrow(`dataset 'x': ${message}`);
});

test('any bytes are read or refused with a Failure', () =>
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.boolean(), (bytes, begin) => {
      if (begin) bytes.set([0, 0].slice(0, bytes.length));
      try {
        parseIdx(bytes, 'x');
      } catch (error) {
        expect(error).toBeInstanceOf(Failure);
      }
    }),
  ));
