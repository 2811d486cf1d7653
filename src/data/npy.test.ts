import { createReadStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Failure } from '../failure.js';
import type { ElementType, TensorData } from '../onnx/tensor-data.js';
import { elementTypes } from './elements.js';
import { type ArrayReader, openNpy, writeNpy } from './npy.js';

const types = Object.keys(elementTypes) as ElementType[];

/** A file with any header text. */
function npy(header: string, body: Uint8Array = new Uint8Array(0), version = 1): Uint8Array {
  const text = Buffer.from(header, version === 3 ? 'utf8' : 'latin1');
  const length = version === 1 ? Buffer.alloc(2) : Buffer.alloc(4);
  length.writeUIntLE(text.length, 0, length.length);
  return Buffer.concat([Buffer.from(`\x93NUMPY${String.fromCharCode(version)}\0`, 'latin1'), length, text, body]);
}
const header = (descr: string, shape: string, order = 'False') =>
  `{'descr': ${descr}, 'fortran_order': ${order}, 'shape': ${shape}, }\n`;

function* cut(bytes: Uint8Array, size: number): Generator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size);
}

async function readAll(array: ArrayReader, count: number): Promise<TensorData[]> {
  const parts: TensorData[] = [];
  for (let rows = await array.rows(count); rows !== null; rows = await array.rows(count)) parts.push(rows);
  return parts;
}

const bytesOf = ({ data }: TensorData) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

const tensors: fc.Arbitrary<TensorData> = fc
  .record({
    type: fc.constantFrom(...types),
    dims: fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 4 }),
    seed: fc.uint8Array({ minLength: 1, maxLength: 64 }),
  })
  .map(({ type, dims, seed }) => {
    const { bytes, view } = elementTypes[type];
    const length = dims.reduce((product, dim) => product * dim, 1);
    const data = Uint8Array.from({ length: length * bytes }, (_, index) => seed[index % seed.length]! ^ (index >> 6));
    return { type, dims, data: new view(data.buffer, 0, length) };
  });

describe('writeNpy then openNpy', () => {
  test('gives back type, dims and every bit, however the stream is cut and however many rows are asked for', () =>
    fc.assert(
      fc.asyncProperty(
        tensors,
        fc.integer({ min: 1, max: 300 }),
        fc.integer({ min: 1, max: 7 }),
        async (tensor, chunk, count) => {
          const array = await openNpy(cut(writeNpy(tensor), chunk), 'x.npy');
          expect([array.type, array.dims]).toEqual([tensor.type, tensor.dims]);
          const parts = await readAll(array, count);
          expect(Buffer.concat(parts.map(bytesOf)).equals(Buffer.from(bytesOf(tensor)))).toBe(true);
          for (const part of parts) {
            expect(part.data.constructor).toBe(tensor.data.constructor);
            expect(part.dims.slice(1)).toEqual(tensor.dims.slice(1));
            expect(part.data.length).toBe(part.dims.reduce((product, dim) => product * dim, 1));
          }
        },
      ),
    ));

  test('special values come through unchanged', async () => {
    const data = Float32Array.of(-0, 0, Number.NaN, 1e-45, -1e-40, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY);
    const array = await openNpy([writeNpy({ type: 'float32', dims: [7], data })], 'x.npy');
    expect((await array.rows(7))!.data).toEqual(data);
  });

  test('the file is aligned to 64 bytes and ends its header in a newline, as NumPy writes it', () => {
    const file = writeNpy({ type: 'float64', dims: [1, 2], data: Float64Array.of(1, 2) });
    const text = Buffer.from(file).toString('latin1');
    expect(text.slice(10, 69)).toBe("{'descr': '<f8', 'fortran_order': False, 'shape': (1, 2), }");
    expect(file.length).toBe(128 + 16);
    expect(text[127]).toBe('\n');
    expect(text.charCodeAt(8)).toBe(118);
  });

  test('an array without axes is one row', async () => {
    const array = await openNpy([writeNpy({ type: 'int64', dims: [], data: BigInt64Array.of(-5n) })], 'x.npy');
    expect(await array.rows(9)).toEqual({ type: 'int64', dims: [], data: BigInt64Array.of(-5n) });
    expect(await array.rows(9)).toBeNull();
  });

  test('data of another length than dims say is refused', () => {
    expect(() => writeNpy({ type: 'int8', dims: [3], data: new Int8Array(2) })).toThrow(
      'writeNpy: data must hold 3 elements for dims [3], got 2',
    );
  });
});

describe('openNpy reads', () => {
  const twoBytes = Uint8Array.of(1, 2);
  test.each([
    ['version 1', npy(header("'<u2'", '(1,)'), twoBytes), 513],
    ['version 2', npy(header("'<u2'", '(1,)'), twoBytes, 2), 513],
    ['version 3', npy(header("'<u2'", '(1,)'), twoBytes, 3), 513],
    ['big-endian data', npy(header("'>u2'", '(1,)'), twoBytes), 258],
    ['native order', npy(header("'=u2'", '(1,)'), twoBytes), 513],
    ['double quotes and no trailing comma', npy(`{"shape":(1,),"descr":"<u2","fortran_order":False}`, twoBytes), 513],
    ['long integers of Python 2', npy(header("'<u2'", '(1L,)'), twoBytes), 513],
    ['column-major order of one axis', npy(header("'<u2'", '(1,)', 'True'), twoBytes), 513],
    ['data followed by more', npy(header("'<u2'", '(1,)'), Uint8Array.of(1, 2, 3, 4)), 513],
  ])('%s', async (_, file, value) => {
    const rows = await (await openNpy([file], 'x.npy')).rows(1);
    expect([...(rows!.data as Uint16Array)]).toEqual([value]);
  });

  test('big-endian data of every width', async () => {
    const body = Uint8Array.of(0x3f, 0xf8, 0, 0, 0, 0, 0, 0);
    expect((await (await openNpy([npy(header("'>f8'", '(1,)'), body)], 'x')).rows(1))!.data[0]).toBe(1.5);
    const single = Uint8Array.of(0x3f, 0xc0, 0, 0);
    expect((await (await openNpy([npy(header("'>f4'", '(1,)'), single)], 'x')).rows(1))!.data[0]).toBe(1.5);
    expect((await (await openNpy([npy(header("'>i8'", '(1,)'), body)], 'x')).rows(1))!.data[0]).toBe(0x3ff8n << 48n);
    expect((await (await openNpy([npy(header("'|i1'", '(8,)'), body)], 'x')).rows(8))!.data[1]).toBe(-8);
  });
});

describe('openNpy refuses', () => {
  test.each([
    ['an empty file', new Uint8Array(0), 'begin with the NPY magic'],
    ['another kind of file', Buffer.from('a,b,c\n1,2,3\n'), 'begin with the NPY magic'],
    ['version 4', npy(header("'<f4'", '(1,)'), undefined, 4), 'version 1, 2 or 3, got 4'],
    ['column-major order', npy(header("'<f4'", '(1, 2)', 'True')), 'row-major (save np.ascontiguousarray(x))'],
    ['objects', npy(header("'|O'", '(1,)')), "got descr '|O'"],
    ['strings', npy(header("'<U5'", '(1,)')), "got descr '<U5'"],
    ['complex numbers', npy(header("'<c8'", '(1,)')), "got descr '<c8'"],
    ['bfloat16 saved as void', npy(header("'|V2'", '(1,)')), "got descr '|V2'"],
    ['records', npy(header("[('a', '<f4'), ('b', '<i8')]", '(1,)')), "got descr [('a', '<f4'), ('b', '<i8')]"],
    ['a property name as a type', npy(header("'<constructor1'", '(1,)')), 'got descr'],
    ['no samples', npy(header("'<f4'", '(0, 3)')), 'hold at least one sample, got shape (0, 3)'],
    ['negative dims', npy(header("'<f4'", '(-1, 3)')), 'shape of whole numbers, got (-1, 3)'],
    ['huge dims', npy(header("'<f4'", `(${'9'.repeat(400)},)`)), 'fewer than 2^50 elements'],
    ['dims with a huge product', npy(header("'<f4'", '(99999999, 99999999, 99999999)')), 'fewer than 2^50 elements'],
    ['dims that are not numbers', npy(header("'<f4'", "('a',)")), 'shape of whole numbers'],
    ['no shape', npy("{'descr': '<f4', 'fortran_order': False}"), 'got nothing'],
    ['no order', npy("{'descr': '<f4', 'shape': (1,)}"), 'fortran_order True or False'],
    ['a header that is no dict', npy('import os'), 'Python dict as its header, got import os'],
    ['code in the header', npy(header("__import__('os')", '(1,)')), 'Python dict'],
    ['a header of 4 GiB', Buffer.from('\x93NUMPY\x02\0\xff\xff\xff\xff', 'latin1'), 'at most 65536 bytes'],
    ['a header that is cut off', npy(header("'<f4'", '(1,)')).subarray(0, 30), 'hold a header of'],
  ])('%s', async (_, file, message) => {
    const failure = await openNpy([file], '--data x.npy').catch(error => error);
    expect(failure).toBeInstanceOf(Failure);
    expect(failure.kind).toBe('input');
    expect(failure.message).toMatch(/^--data x\.npy: the array must /);
    expect(failure.message).toContain(message);
  });

  test('a file cut off at any byte, in the header or in the data', async () => {
    const file = writeNpy({ type: 'float32', dims: [3, 2], data: new Float32Array(6) });
    for (let length = 0; length < file.length; length++) {
      const read = async () => readAll(await openNpy(cut(file.subarray(0, length), 1), 'x.npy'), 2);
      await expect(read()).rejects.toBeInstanceOf(Failure);
    }
    await expect(openNpy([file.subarray(0, 140)], 'x.npy', 140)).rejects.toThrow(
      'x.npy: the array must hold the 24 bytes of data that its header declares, got 12',
    );
  });

  test('rows that cannot fit in memory', async () => {
    const array = await openNpy([npy(header("'<f8'", '(1, 1000000000, 100000)'))], 'x.npy');
    await expect(array.rows(1)).rejects.toThrow('x.npy: a batch must fit in memory, got 800000000000000 bytes');
  });

  test('a stream that fails, naming the file', async () => {
    const missing = createReadStream('/nowhere/x.npy');
    await expect(openNpy(missing, '--data x.npy')).rejects.toThrow(
      '--data x.npy: file must exist, got nothing at that path',
    );
    const broken = (async function* () {
      yield writeNpy({ type: 'int8', dims: [2], data: new Int8Array(2) }).subarray(0, 129);
      throw new Error('cable cut\nsecond line');
    })();
    await expect(readAll(await openNpy(broken, 'x.npy'), 1)).rejects.toThrow(
      /^x\.npy: must be readable to its end, got cable cut$/,
    );
  });

  test('mutated files with nothing but a Failure', () => {
    const file = writeNpy({ type: 'float32', dims: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) });
    const mutation = fc.record({ at: fc.nat(file.length - 1), byte: fc.nat(255) });
    const digits = fc.record({ at: fc.integer({ min: 10, max: 72 }), byte: fc.integer({ min: 32, max: 126 }) });
    return fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(mutation, digits), { minLength: 1, maxLength: 4 }), async mutations => {
        const mutated = file.slice();
        for (const { at, byte } of mutations) mutated[at] = byte;
        try {
          await readAll(await openNpy([mutated], 'x.npy'), 100);
        } catch (error) {
          expect(error).toBeInstanceOf(Failure);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('openNpy holds', () => {
  test('no more than the rows asked for of a long stream', async () => {
    const rows = 200;
    const chunk = new Uint8Array(2 ** 16);
    const stream = (async function* () {
      yield npy(header("'<f4'", `(${rows}, ${2 ** 18})`));
      for (let sent = 0; sent < rows * 2 ** 20; sent += chunk.length) yield chunk;
    })();
    const array = await openNpy(stream, 'x.npy');
    const memory = () => process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers;
    const before = memory();
    let most = 0;
    let seen = 0;
    for (let part = await array.rows(4); part !== null; part = await array.rows(4)) {
      seen += part.dims[0]!;
      most = Math.max(most, memory() - before);
    }
    expect(seen).toBe(rows);
    // Node frees buffers when it sees fit, so a few batches of 4 MiB may be waiting.
    expect(most).toBeLessThan(80 * 2 ** 20);
  });

  test('nothing open after close, a failed header or the end of an early stop', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'npy-'));
    const path = join(folder, 'x.npy');
    await writeFile(path, writeNpy({ type: 'float32', dims: [100, 100], data: new Float32Array(1e4) }));
    const stream = createReadStream(path, { highWaterMark: 512 });
    const array = await openNpy(stream, 'x.npy');
    await array.rows(1);
    expect(stream.destroyed).toBe(false);
    await array.close();
    expect(stream.destroyed).toBe(true);
    await writeFile(path, 'not an array'.repeat(1000));
    const bad = createReadStream(path, { highWaterMark: 64 });
    await expect(openNpy(bad, 'x.npy')).rejects.toThrow(Failure);
    expect(bad.destroyed).toBe(true);
    await rm(folder, { recursive: true });
  });
});
