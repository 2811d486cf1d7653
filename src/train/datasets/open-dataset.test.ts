import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { zipFile } from '../../../test/data-zip.js';
import { writeNpy } from '../../data/npy.js';
import type { TensorData, TypedArray } from '../../onnx/tensor-data.js';
import { openDataset } from './open-dataset.js';
import { standardizationOf } from './standardize.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reluminate-datasets-'));
});
afterAll(() => rm(folder, { recursive: true }));

const put = async (name: string, bytes: string | Uint8Array) => {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
};
const npy = (type: TensorData['type'], dims: readonly number[], data: TypedArray) => writeNpy({ type, dims, data });
const npz = (arrays: Record<string, Uint8Array>) =>
  zipFile(Object.entries(arrays).map(([name, data]) => ({ name: `${name}.npy`, data, deflate: true })));
/** n samples [i, i + 1] of the classes 0 and 1 in turn. */
const x = (n: number) =>
  npy(
    'float32',
    [n, 2],
    Float32Array.from({ length: 2 * n }, (_, i) => (i >> 1) + (i & 1)),
  );
const y = (n: number) =>
  npy(
    'int64',
    [n],
    BigInt64Array.from({ length: n }, (_, i) => BigInt(i & 1)),
  );
const idx = (dims: readonly number[], data: readonly number[]) =>
  Buffer.from([0, 0, 8, dims.length, ...dims.flatMap(dim => [0, 0, 0, dim]), ...data]);

describe('by name', () => {
  test('two-dimensional sets take parameters, seed and share', async () => {
    const { train, test } = await openDataset('spirals:4,count=200,noise=0,turns=2', { seed: 2, testShare: 0.5 });
    expect([train.count, test.count, train.classes, train.name]).toEqual([100, 100, 4, 'spirals']);
    expect((await openDataset('moons', {})).train.count).toBe(800);
    expect((await openDataset('rings:3')).train.classes).toBe(3);
    expect(await openDataset('moons', { seed: 1 })).not.toEqual(await openDataset('moons', { seed: 2 }));
    expect((await openDataset('moons', { standardize: true })).standardization?.mean.length).toBe(2);
  });

  test('digits and iris', async () => {
    expect((await openDataset('digits')).test.count).toBe(2000);
    const { train, standardization } = await openDataset('iris', { seed: 1, testShare: 0.5 });
    expect([train.count, standardization?.mean.length]).toEqual([75, 4]);
    expect((await openDataset('iris', { standardize: false })).standardization).toBeUndefined();
  });
});

describe('from files', () => {
  test('a table is split and standardized by its training part', async () => {
    const rows = Array.from({ length: 20 }, (_, i) => `${i},${i * i},${i % 2 ? 'odd' : 'even'}`);
    const path = await put('table.csv', `a,b,parity\n${rows.join('\n')}\n`);
    const { train, test, standardization } = await openDataset(path);
    expect([train.count, test.count, train.classNames]).toEqual([16, 4, ['even', 'odd']]);
    expect(standardizationOf(train).deviation.every(value => Math.abs(value - 1) < 1e-6)).toBe(true);
    expect((await openDataset(path, { standardize: false })).train.inputs.every(Number.isInteger)).toBe(true);
    expect(standardization?.mean.length).toBe(2);
    const tabs = await put('table.TSV', `a\tb\n${[1, 2, 3, 4].map(i => `${i}.5\t${i}`).join('\n')}\n`);
    expect((await openDataset(tabs, { target: 'a' })).train.classes).toBeNull();
  });

  test('an archive of one pair is split, of two pairs is not', async () => {
    const one = await openDataset(await put('one.npz', npz({ x: x(10), y: y(10) })));
    expect([one.train.count, one.test.count, one.standardization]).toEqual([8, 2, undefined]);
    const arrays = { x_train: x(6), y_train: y(6), x_test: x(4), y_test: y(4) };
    const path = await put('two.npz', npz(arrays));
    const two = await openDataset(path);
    expect([two.train.count, two.test.count, two.test.classes]).toEqual([6, 4, 2]);
    await expect(openDataset(path, { testShare: 0.5 })).rejects.toThrow(/testShare must be left out/);
    const other = await put('other.npz', npz({ ...arrays, y_test: npy('int32', [4], Int32Array.of(0, 1, 2, 1)) }));
    await expect(openDataset(other)).rejects.toThrow(/classes in 'y_test' must be from 0 to 1, got 2 in sample 2/);
    const masks = npy('uint8', [4, 3], new Uint8Array(12));
    await expect(openDataset(await put('masks.npz', npz({ ...arrays, y_test: masks })))).rejects.toThrow(
      /got samples \[2\] with classes and samples \[2\] with classes at \[3\] positions/,
    );
    const numbers = {
      y_train: npy('float32', [6, 2, 3], new Float32Array(36)),
      y_test: npy('float32', [4, 3, 2], new Float32Array(24)),
    };
    await expect(openDataset(await put('numbers.npz', npz({ ...arrays, ...numbers })))).rejects.toThrow(
      /got samples \[2\] with numbers \[2, 3\] and samples \[2\] with numbers \[3, 2\]/,
    );
    const wide = npy('float32', [4, 3], new Float32Array(12));
    await expect(openDataset(await put('wide.npz', npz({ ...arrays, x_test: wide })))).rejects.toThrow(
      /both parts must hold alike samples, got samples \[2\] with classes and samples \[3\] with classes/,
    );
  });

  test('pairs of IDX and NPY files, with a test part or without', async () => {
    const images = await put(
      'images.idx3-ubyte',
      idx(
        [10, 1, 2],
        Array.from({ length: 20 }, (_, i) => i),
      ),
    );
    const labels = await put('labels.gz', gzipSync(idx([10], [0, 1, 0, 1, 0, 1, 0, 1, 0, 1])));
    const { train, test } = await openDataset(`${images},${labels}`);
    expect([train.count, test.count, train.inputDims, train.classes]).toEqual([8, 2, [1, 1, 2], 2]);
    const [xs, ys] = [await put('x.npy', x(10)), await put('y.npy', y(10))];
    expect((await openDataset(`${xs},${ys}`)).train.count).toBe(8);
    expect((await openDataset(`${xs},${ys},${xs},${ys}`)).train.count).toBe(10);
    await expect(openDataset(`${xs},${labels},${xs}`)).rejects.toThrow(/must be inputs,targets or .*, got 3 of them/);
  });
});

test.each<[string, Parameters<typeof openDataset>[1], 'usage' | 'input', string]>([
  [
    'mnist',
    {},
    'usage',
    "dataset: it must be one of digits, iris, spirals, moons, rings, a file .npz, .csv or .tsv, or files inputs,targets (.npy or IDX), got 'mnist'",
  ],
  ['', {}, 'usage', 'dataset: it must be one of digits'],
  ['constructor', {}, 'usage', 'dataset: it must be one of digits'],
  ['x.npy', {}, 'usage', 'dataset: it must be one of digits'],
  ['digits:2', {}, 'usage', "dataset: 'digits' must have no parameters, got 'digits:2'"],
  [
    'digits',
    { testShare: 0.1 },
    'usage',
    "dataset: testShare must be left out for 'digits', which has a split of its own, got 0.1",
  ],
  ['moons', { target: 'y' }, 'usage', "dataset: target must be left out for 'moons', got 'y'"],
  ['moons', { testShare: 2 }, 'usage', 'split: testShare must be greater than 0 and less than 1, got 2'],
  ['moons:3', {}, 'usage', "parameters of 'moons:3' must be count, noise, each given once, as in count=500, got '3'"],
  ['spirals:1', {}, 'usage', 'spirals: classes must be a whole number from 2'],
  [
    'spirals:three',
    {},
    'usage',
    "parameters of 'spirals:three' must be classes, count, noise, turns, each given once, as in classes=3, got 'three'",
  ],
  ['rings:2,turns=3', {}, 'usage', "got 'turns=3'"],
  ['rings:2,3', {}, 'usage', "got '3'"],
  ['rings:2,classes=3', {}, 'usage', "got 'classes=3'"],
  ['absent.csv', {}, 'input', "dataset 'absent.csv': file must exist, got nothing at that path"],
  ['absent.npz', {}, 'input', "dataset 'absent.npz': file must exist, got nothing at that path"],
  ['a.npy,b.npy', {}, 'input', "dataset 'a.npy': file must exist, got nothing at that path"],
  [
    'a.npy,b.npy',
    { target: 'y' },
    'usage',
    "dataset: target must be left out for files of inputs and targets, got 'y'",
  ],
])('refuses %s %j', async (spec, options, kind, message) => {
  const failure = await openDataset(spec, options).catch(error => error);
  expect(failure).toMatchObject({ name: 'Failure', kind });
  expect(failure.message).toContain(message);
});
