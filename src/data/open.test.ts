import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { zipFile } from '../../test/data-zip.js';
import { Failure } from '../failure.js';
import type { Batch, InputSpec } from '../onnx/tensor-data.js';
import type { SampleSource } from './batches.js';
import { writeNpy } from './npy.js';
import { openSamples, type SampleOptions } from './open.js';

let folder: string;
const at = (name: string) => join(folder, name);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'open-'));
});
afterAll(() => rm(folder, { recursive: true }));

const x: InputSpec = { name: 'x', type: 'float32', dims: ['n', 2] };
const a: InputSpec = { name: 'a', type: 'float32', dims: ['n', 1] };
const b: InputSpec = { name: 'b', type: 'int64', dims: ['n'] };

/** NPY bytes of float32 rows from … from + rows - 1, `width` times each. */
const ramp = (from: number, rows: number, width = 2) =>
  writeNpy({
    type: 'float32',
    dims: [rows, width],
    data: Float32Array.from({ length: rows * width }, (_, i) => from + Math.floor(i / width)),
  });
const longs = (...values: bigint[]) =>
  writeNpy({ type: 'int64', dims: [values.length], data: BigInt64Array.from(values) });

async function file(name: string, bytes: Uint8Array | string): Promise<string> {
  await writeFile(at(name), bytes);
  return at(name);
}
async function collect(source: SampleSource): Promise<Batch[]> {
  const batches: Batch[] = [];
  for await (const batch of source.batches()) batches.push(batch);
  return batches;
}
const column = (batches: Batch[], name: string, width: number) =>
  batches.flatMap(({ feeds }) =>
    [...(feeds[name]!.data as Float32Array)].filter((_, i) => i % width === 0).map(Number),
  );
async function failure(paths: string[], specs: InputSpec[], options?: SampleOptions): Promise<Failure> {
  try {
    await collect(await openSamples(paths, specs, options));
  } catch (error) {
    expect(error).toBeInstanceOf(Failure);
    expect((error as Failure).message).not.toContain('\n');
    return error as Failure;
  }
  throw new Error('must fail');
}
/** Files of the test folder that this process holds open, where the system tells. */
async function openFiles(): Promise<string[]> {
  await new Promise(resolve => setTimeout(resolve, 20));
  const links = await readdir('/proc/self/fd').catch(() => []);
  const targets = await Promise.all(links.map(link => readlink(`/proc/self/fd/${link}`).catch(() => '')));
  return targets.filter(target => target.startsWith(folder));
}

describe('openSamples reads', () => {
  test('an NPY file, again and again', async () => {
    const path = await file('x.npy', ramp(0, 10));
    const source = await openSamples([path], [x], { batch: 4 });
    expect(source).toMatchObject({ kind: 'samples', total: 10, description: `${path}: 10 samples` });
    for (let round = 0; round < 2; round++) {
      const batches = await collect(source);
      expect(batches.map(batch => batch.samples)).toEqual([4, 4, 2]);
      expect(column(batches, 'x', 2)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    }
  });

  test('the first samples only', async () => {
    const source = await openSamples([await file('x.npy', ramp(0, 10))], [x], { samples: 5, batch: 4 });
    expect(source.total).toBe(5);
    expect((await collect(source)).map(batch => batch.samples)).toEqual([4, 1]);
    expect((await openSamples([at('x.npy')], [x], { samples: 50 })).total).toBe(10);
  });

  test('several files in order, batches running across them', async () => {
    const paths = [
      await file('1.npy', ramp(0, 3)),
      await file('2.npz', zipFile([{ name: 'data.npy', data: ramp(3, 4), deflate: true }])),
      await file('3.npy', writeNpy({ type: 'float32', dims: [2], data: Float32Array.of(7, 7) })),
    ];
    const source = await openSamples(paths, [x], { batch: 5 });
    const batches = await collect(source);
    expect(source.total).toBe(8);
    expect(batches.map(batch => batch.samples)).toEqual([5, 3]);
    expect(column(batches, 'x', 2)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  test('an NPZ archive for several inputs, arrays of other names and types left alone', async () => {
    const strings = Buffer.from(longs(1n)).toString('latin1').replace("'<i8'", "'<U2'");
    const archive = zipFile([
      { name: 'b.npy', data: longs(5n, 6n, 7n), deflate: true },
      { name: 'labels.npy', data: Buffer.from(strings, 'latin1'), deflate: true },
      { name: 'a.npy', data: ramp(0, 3, 1), deflate: false },
    ]);
    const source = await openSamples([await file('ab.npz', archive)], [a, b], { batch: 2 });
    const batches = await collect(source);
    expect(column(batches, 'a', 1)).toEqual([0, 1, 2]);
    expect(column(batches, 'b', 1)).toEqual([5, 6, 7]);
    expect(source.description).toBe(`${at('ab.npz')}: 3 samples (arrays 'labels' feed no input)`);
  });

  test('name=path for several inputs, in rounds', async () => {
    const paths = [
      `a=${await file('a1.npy', ramp(0, 2, 1))}`,
      `b=${await file('b1.npy', longs(10n, 11n))}`,
      `a=${await file('a2.npy', ramp(2, 1, 1))}`,
      `b=${await file('b2.npy', longs(12n))}`,
    ];
    const batches = await collect(await openSamples(paths, [a, b]));
    expect(batches.length).toBe(1);
    expect(column(batches, 'a', 1)).toEqual([0, 1, 2]);
    expect(column(batches, 'b', 1)).toEqual([10, 11, 12]);
  });

  test('a constant beside samples, the same for every batch', async () => {
    const scale: InputSpec = { name: 'scale', type: 'float32', dims: [] };
    const constant = writeNpy({ type: 'float64', dims: [], data: Float64Array.of(0.5) });
    const paths = [`x=${await file('x.npy', ramp(0, 3))}`, `scale=${await file('scale.npy', constant)}`];
    const batches = await collect(await openSamples(paths, [x, scale], { batch: 2 }));
    expect(batches.map(({ feeds }) => feeds.scale!.data)).toEqual([Float32Array.of(0.5), Float32Array.of(0.5)]);
    expect(batches.map(({ feeds }) => feeds.scale!.dims)).toEqual([[], []]);
  });

  test('an input that is called __proto__', async () => {
    const odd = { ...x, name: '__proto__' };
    const [batch] = await collect(await openSamples([await file('x.npy', ramp(0, 3))], [odd]));
    expect(Object.keys(batch!.feeds)).toEqual(['__proto__']);
  });

  test('a fixed batch, padded', async () => {
    const fixed = { ...x, dims: [4, 2] };
    const batches = await collect(await openSamples([await file('x.npy', ramp(0, 5))], [fixed]));
    expect(column(batches, 'x', 2)).toEqual([0, 1, 2, 3, 4, 4, 4, 4]);
    expect(batches.map(batch => batch.samples)).toEqual([4, 1]);
  });

  test('standard input: NPY as it comes, in pieces of any size, once', async () => {
    const bytes = ramp(0, 6);
    const pieces = Array.from(bytes, byte => Uint8Array.of(byte));
    const source = await openSamples(['-'], [x], { stdin: pieces, batch: 4 });
    expect(source).toMatchObject({ total: 6, description: 'standard input: 6 samples' });
    expect(column(await collect(source), 'x', 2)).toEqual([0, 1, 2, 3, 4, 5]);
    await expect(collect(source)).rejects.toThrow('--data -: must be a file to be read again, got a stream');
  });

  test('standard input: NPZ by its first bytes', async () => {
    const bytes = zipFile([{ name: 'anything.npy', data: ramp(0, 6), deflate: true }]);
    const stdin = [bytes.subarray(0, 1), bytes.subarray(1, 40), bytes.subarray(40)];
    const source = await openSamples(['-'], [x], { stdin });
    expect(column(await collect(source), 'x', 2)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(column(await collect(source), 'x', 2)).toEqual([0, 1, 2, 3, 4, 5]);
  });

  test.skipIf(process.platform === 'win32')('a named pipe', async () => {
    await promisify(execFile)('mkfifo', [at('pipe')]);
    const writing = writeFile(at('pipe'), ramp(0, 6));
    expect(column(await collect(await openSamples([at('pipe')], [x])), 'x', 2)).toEqual([0, 1, 2, 3, 4, 5]);
    await writing;
  });

  test('files without a telling extension, by their first bytes', async () => {
    expect((await openSamples([await file('plain', ramp(0, 6))], [x])).total).toBe(6);
    const archive = zipFile([{ name: 'x.npy', data: ramp(0, 7), deflate: true }]);
    expect((await openSamples([await file('archive.bin', archive)], [x])).total).toBe(7);
    const png = await sharp({ create: { width: 4, height: 4, channels: 3, background: 'red' } })
      .png()
      .toBuffer();
    const image: InputSpec = { name: 'x', type: 'float32', dims: [1, 3, 4, 4] };
    expect((await openSamples([await file('photo', png)], [image], { layout: 'nchw' })).total).toBe(1);
  });

  test('a file whose own name holds =', async () => {
    expect((await openSamples([await file('lr=1.npy', ramp(0, 6))], [x])).total).toBe(6);
  });

  test('folders and pictures, the size and colors from the input', async () => {
    await mkdir(at('photos/more'), { recursive: true });
    const png = await sharp({ create: { width: 9, height: 7, channels: 3, background: '#ff8000' } })
      .png()
      .toBuffer();
    for (const name of ['photos/2.png', 'photos/1.png', 'photos/more/3.png', '4.png']) await file(name, png);
    const image: InputSpec = { name: 'image', type: 'float32', dims: ['n', 8, 8, 3] };
    const source = await openSamples([at('photos'), at('4.png')], [image], { scale: 1 });
    expect(source.total).toBe(4);
    expect(source.description).toBe(`${at('photos')}, ${at('4.png')}: 4 pictures as rgb nhwc, 8x8`);
    const [batch] = await collect(source);
    expect(batch!.feeds.image!.dims).toEqual([4, 8, 8, 3]);
    expect([...(batch!.feeds.image!.data as Float32Array).subarray(0, 3)]).toEqual([255, 128, 0]);
  });

  test('non-finite values only where they are allowed', async () => {
    const data = Float32Array.of(0, 0, 0, Number.NaN);
    const path = await file('nan.npy', writeNpy({ type: 'float32', dims: [2, 2], data }));
    expect((await failure([path], [x], { batch: 1 })).message).toBe(
      `--data ${path}: values must be finite, got NaN at sample 1 of input 'x'`,
    );
    expect((await collect(await openSamples([path], [x], { allowNonFinite: true })))[0]!.samples).toBe(2);
  });
});

describe('openSamples refuses', () => {
  test.each<[string, string[], InputSpec[], string]>([
    ['no paths', [], [x], '--data: must name a folder'],
    ['a missing file', ['nowhere/x.npz'], [x], '--data nowhere/x.npz: file must exist, got nothing at that path'],
    [
      'an input that is not there',
      ['y=x.npy'],
      [a, b],
      "--data y=x.npy: must name one of the inputs 'a', 'b', got 'y'",
    ],
    ['standard input twice', ['-', '-'], [x], '--data -: standard input must be named once'],
  ])('%s', async (_, paths, specs, message) => {
    expect((await failure(paths, specs, { stdin: [] })).message).toContain(message);
  });

  test('what does not belong together', async () => {
    const npy = await file('x.npy', ramp(0, 4, 1));
    const npz = await file('x.npz', zipFile([{ name: 'x.npy', data: ramp(0, 4), deflate: true }]));
    const png = await sharp({ create: { width: 4, height: 4, channels: 3, background: 'red' } })
      .png()
      .toBuffer();
    const picture = await file('x.png', png);
    const text = await file('x.csv', '1,2,3');
    const messages = [
      [[npy, picture], [x], 'must be pictures only or arrays only'],
      [[picture], [a, b], "pictures feed a model of one input, got inputs 'a', 'b'"],
      [[picture], [], 'pictures feed a model of one input, got inputs none'],
      [[picture], [x], "images: input 'x' must have 4 axes, got [N, 2]"],
      [[text], [x], 'must be a folder, a picture, an NPY or an NPZ file'],
      [[npy], [a, b], "must say which of the inputs 'a', 'b' it feeds, as in a=file.npy"],
      [[`a=${npy}`], [a, b], "each input must be given as many files, got 0 for 'b' and 1 for another"],
      [[`a=${npy}`, npy], [a, b], 'must name its input, as the other paths do'],
      [[`a=${npz}`], [a, b], 'must be an NPY file, as its input is named'],
      [[npy], [x], "input 'x' takes [N, 2], got [4, 1]"],
    ] as const;
    for (const [paths, specs, message] of messages)
      expect((await failure([...paths], [...specs])).message).toContain(message);
    expect(await openFiles()).toEqual([]);
  });

  test('an empty stream', async () => {
    expect((await failure(['-'], [x], { stdin: [] })).message).toBe(
      '--data -: the array must begin with the NPY magic, got other bytes',
    );
  });

  test.skipIf(process.getuid?.() === 0 || process.platform === 'win32')('what may not be read', async () => {
    const path = await file('secret.npy', ramp(0, 1));
    await chmod(path, 0);
    expect((await failure([path], [x])).message).toContain('file must be readable, got permission denied');
  });

  test('a file that shrinks between opening and reading', async () => {
    const path = await file('shrinks.npy', ramp(0, 1000));
    const source = await openSamples([path], [x]);
    await writeFile(path, ramp(0, 1000).subarray(0, 500));
    await expect(collect(source)).rejects.toThrow('must hold the 8000 bytes of data that its header declares');
    await rm(path);
    await expect(collect(source)).rejects.toThrow(`--data ${path}: file must exist`);
  });
});

test('an early stop closes every file', async () => {
  // Numbers that do not compress, so that the archive as well is longer than what is read ahead.
  const data = Float32Array.from({ length: 1_000_000 }, (_, i) => Math.sin(i * i));
  const big = writeNpy({ type: 'float32', dims: [500_000, 2], data });
  const paths = [
    await file('1.npy', big),
    await file('2.npz', zipFile([{ name: 'x.npy', data: big, deflate: true }])),
    await file('3.npz', zipFile([{ name: 'x.npy', data: big, deflate: false }])),
  ];
  for (const path of paths) {
    for await (const batch of (await openSamples([path], [x], { batch: 10 })).batches()) {
      expect((await openFiles()).length).toBe(1);
      expect(batch.samples).toBe(10);
      break;
    }
    expect(await openFiles()).toEqual([]);
  }
});
