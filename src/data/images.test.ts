import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Failure } from '../failure.js';
import type { Batch, ElementType, InputSpec } from '../onnx/tensor-data.js';
import { decodeFloat16 } from './elements.js';
import { type ImageOptions, imageFormat } from './image-format.js';
import { decodeImage, imageSamples, isImagePath, listImages } from './images.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'images-'));
});
afterAll(() => rm(folder, { recursive: true }));

const input = (dims: InputSpec['dims'], type: ElementType = 'float32'): InputSpec => ({ name: 'x', type, dims });

let files = 0;
/** A picture file from raw pixels. */
async function picture(
  pixels: number[],
  width: number,
  channels: 1 | 2 | 3 | 4,
  encode = (image: Sharp) => image.png(),
): Promise<string> {
  const path = join(folder, `${files++}.png`);
  const raw = { width, height: pixels.length / width / channels, channels };
  await writeFile(path, await encode(sharp(Uint8Array.from(pixels), { raw })).toBuffer());
  return path;
}

async function decode(path: string, spec: InputSpec, options: ImageOptions = {}) {
  return decodeImage(path, imageFormat(spec, options));
}
const pixelsOf = async (path: string, dims: InputSpec['dims'], options: ImageOptions = {}) => [
  ...((await decode(path, input(dims, 'uint8'), options)).data as Uint8Array),
];

const redGreenBlueGrey = [255, 0, 0, 0, 255, 0, 0, 0, 255, 10, 20, 30];

describe('decodeImage', () => {
  test('channels last keep the pixels in order, channels first split them into planes', async () => {
    const path = await picture(redGreenBlueGrey, 2, 3);
    expect(await pixelsOf(path, [1, 2, 2, 3])).toEqual(redGreenBlueGrey);
    expect(await pixelsOf(path, [1, 3, 2, 2])).toEqual([255, 0, 0, 10, 0, 255, 0, 20, 0, 0, 255, 30]);
    expect((await decode(path, input([1, 3, 2, 2]))).dims).toEqual([1, 3, 2, 2]);
    expect((await decode(path, input([1, 2, 2, 3]))).dims).toEqual([1, 2, 2, 3]);
  });

  test('bgr reverses the channels', async () => {
    const path = await picture(redGreenBlueGrey, 2, 3);
    const bgr = await pixelsOf(path, [1, 2, 2, 3], { color: 'bgr' });
    expect(bgr).toEqual([0, 0, 255, 0, 255, 0, 255, 0, 0, 30, 20, 10]);
  });

  test('gray is BT.601 luma', async () => {
    const path = await picture(redGreenBlueGrey, 2, 3);
    expect(await pixelsOf(path, [1, 1, 2, 2])).toEqual([76, 150, 29, 18]);
  });

  test('gray pictures feed color inputs and the reverse', async () => {
    const path = await picture([0, 100, 200, 255], 2, 1);
    expect(await pixelsOf(path, [1, 1, 2, 2])).toEqual([0, 100, 200, 255]);
    expect(await pixelsOf(path, [1, 2, 2, 3])).toEqual([0, 0, 0, 100, 100, 100, 200, 200, 200, 255, 255, 255]);
  });

  test('transparency is laid over white, and kept for rgba', async () => {
    const path = await picture([255, 0, 0, 255, 0, 0, 255, 0], 2, 4);
    const last = { layout: 'nhwc' } as const;
    expect(await pixelsOf(path, [1, 1, 2, 3], last)).toEqual([255, 0, 0, 255, 255, 255]);
    expect(await pixelsOf(path, [1, 1, 2, 4], last)).toEqual([255, 0, 0, 255, 0, 0, 255, 0]);
    expect(await pixelsOf(path, [1, 1, 2, 1], last)).toEqual([76, 255]);
    const opaque = await picture([1, 2, 3], 1, 3);
    expect(await pixelsOf(opaque, [1, 1, 1, 4], { layout: 'nhwc', color: 'rgba' })).toEqual([1, 2, 3, 255]);
  });

  test('value = (pixel * scale - mean) / std, channel by channel', async () => {
    const path = await picture([51, 102, 255], 1, 3);
    const values = async (options: ImageOptions, dims = [1, 3, 1, 1]) => [
      ...((await decode(path, input(dims), { layout: 'nchw', ...options })).data as Float32Array),
    ];
    expect(await values({})).toEqual([0.2, 0.4, 1].map(Math.fround));
    expect(await values({ scale: 1 })).toEqual([51, 102, 255]);
    const mean = [0.485, 0.456, 0.406];
    const std = [0.229, 0.224, 0.225];
    const expected = [0.2, 0.4, 1].map((value, c) => Math.fround((value - mean[c]!) / std[c]!));
    for (const [c, value] of (await values({ mean, std })).entries()) expect(value).toBeCloseTo(expected[c]!, 6);
    expect(await values({ color: 'bgr', scale: 1, mean: [255, 0, 0] })).toEqual([0, 102, 51]);
    const last = await decode(path, input([1, 1, 1, 3]), { layout: 'nhwc', scale: 1, mean: [1, 2, 3], std: [1, 2, 4] });
    expect([...(last.data as Float32Array)]).toEqual([50, 50, 63]);
  });

  test('float16 and float64 inputs', async () => {
    const path = await picture([0, 128, 255], 1, 3);
    const half = await decode(path, input([1, 3, 1, 1], 'float16'), { layout: 'nchw' });
    expect(half.type).toBe('float16');
    expect([...decodeFloat16(half.data as Uint16Array)]).toEqual([0, 0.501953125, 1]);
    const double = await decode(path, input([1, 3, 1, 1], 'float64'), { layout: 'nchw', scale: 1 });
    expect(double.data).toEqual(Float64Array.of(0, 128, 255));
  });

  test('cover crops, contain adds black bars, fill stretches', async () => {
    const wide = await picture([50, 50, 50, 100, 100, 100, 100, 100, 100, 150, 150, 150], 4, 3);
    const sized = (fit: ImageOptions['fit'], height: number, width: number) =>
      pixelsOf(wide, [1, height, width, 1], { fit, layout: 'nhwc' });
    expect(await sized('cover', 1, 2)).toEqual([100, 100]);
    expect(await sized('contain', 3, 4)).toEqual([0, 0, 0, 0, 50, 100, 100, 150, 0, 0, 0, 0]);
    expect((await sized('fill', 2, 2)).length).toBe(4);
    const clear = await picture([255, 0, 0, 0], 1, 4);
    expect(await pixelsOf(clear, [1, 1, 3, 1], { fit: 'contain', color: 'gray', layout: 'nhwc' })).toEqual([0, 255, 0]);
  });

  test('EXIF orientation is applied', async () => {
    const path = await picture([10, 20, 30, 40], 2, 1, image => image.withMetadata({ orientation: 6 }).png());
    expect(await pixelsOf(path, [1, 1, 2, 2])).toEqual([30, 10, 40, 20]);
  });

  test('16-bit pictures come down to 8 bits', async () => {
    const path = join(folder, 'deep.png');
    const raw = { width: 2, height: 1, channels: 3 as const };
    const deep = Uint16Array.of(0, 0x8080, 0xffff, 0xffff, 0x0101, 0);
    await sharp(deep, { raw }).toColourspace('rgb16').png().toFile(path);
    expect((await sharp(path).metadata()).depth).toBe('ushort');
    expect(await pixelsOf(path, [1, 1, 2, 3], { layout: 'nhwc' })).toEqual([0, 128, 255, 255, 1, 0]);
  });

  test.each(['jpeg', 'webp', 'gif', 'tiff', 'avif'] as const)('reads %s', async format => {
    const path = await picture(new Array(16 * 16 * 3).fill(128), 16, 3, image => image.toFormat(format));
    for (const value of await pixelsOf(path, [1, 16, 16, 3])) expect(Math.abs(value - 128)).toBeLessThan(4);
  });

  test('reads svg', async () => {
    const path = join(folder, 'drawing.svg');
    await writeFile(
      path,
      '<svg xmlns="http://www.w3.org/2000/svg" width="2" height="2"><rect width="2" height="2" fill="#0000ff"/></svg>',
    );
    expect((await pixelsOf(path, [1, 2, 2, 3])).slice(0, 3)).toEqual([0, 0, 255]);
  });

  test('what cannot be decoded is a Failure of one sentence that names the file', async () => {
    const noise = Array.from({ length: 64 * 64 * 3 }, (_, i) => (i * 7919) % 251);
    const whole = await picture(noise, 64, 3, image => image.jpeg());
    const cut = join(folder, 'cut.jpg');
    await writeFile(cut, (await readFile(whole)).subarray(0, 900));
    const text = join(folder, 'text.png');
    await writeFile(text, 'not a picture');
    for (const path of [cut, text]) {
      const failure = await decode(path, input([1, 3, 8, 8])).catch(error => error);
      expect(failure).toBeInstanceOf(Failure);
      expect(failure.message.startsWith(`--data ${path}: must be a picture that can be decoded, got an error: `)).toBe(
        true,
      );
      expect(failure.message).not.toContain('\n');
    }
    await expect(decode(join(folder, 'none.png'), input([1, 3, 8, 8]))).rejects.toThrow('file must exist');
  });
});

describe('listImages', () => {
  test('finds pictures in subfolders, sorted, hidden ones left out', async () => {
    const root = join(folder, 'tree');
    await mkdir(join(root, 'b', '.cache'), { recursive: true });
    for (const name of ['b/2.PNG', 'b/10.jpeg', 'a.tif', 'Z.webp', '.hidden.png', 'b/.cache/x.png', 'notes.txt'])
      await writeFile(join(root, name), '');
    const images = await listImages(root, '--data tree');
    expect(images).toEqual(['Z.webp', 'a.tif', 'b/10.jpeg', 'b/2.PNG'].map(name => join(root, name)));
  });

  test('a folder without pictures is refused, with a hint where it holds arrays', async () => {
    const empty = await mkdtemp(join(folder, 'empty-'));
    await expect(listImages(empty, '--data empty')).rejects.toThrow('--data empty: a folder must hold pictures');
    await writeFile(join(empty, 'x.npy'), '');
    await expect(listImages(empty, '--data empty')).rejects.toThrow(
      'got 1 NPY or NPZ files, which are named one by one',
    );
    await expect(listImages(join(folder, 'gone'), '--data gone')).rejects.toThrow('--data gone: file must exist');
  });

  test('isImagePath goes by the extension', () => {
    expect(['a.jpg', 'b.JPEG', 'c.svg', 'd.avif'].every(isImagePath)).toBe(true);
    expect(['a.npy', 'jpg', 'a.jpg.txt', 'a.bmp'].some(isImagePath)).toBe(false);
  });
});

describe('imageSamples', () => {
  async function collect(...args: Parameters<typeof imageSamples>): Promise<Batch[]> {
    const batches: Batch[] = [];
    for await (const batch of imageSamples(...args).batches()) batches.push(batch);
    return batches;
  }
  const shades = (count: number) =>
    Promise.all(Array.from({ length: count }, (_, i) => picture(new Array(4).fill(i), 2, 1)));
  const options = { scale: 1 };
  const firsts = (batch: Batch) => [...(batch.feeds.x!.data as Float32Array)].filter((_, index) => index % 4 === 0);

  test('stacks pictures in order, as many as asked for', async () => {
    const batches = await collect(await shades(11), input(['n', 1, 2, 2]), { ...options, batch: 4, samples: 10 });
    expect(batches.map(firsts)).toEqual([
      [0, 1, 2, 3],
      [4, 5, 6, 7],
      [8, 9],
    ]);
    expect(batches[0]!.feeds.x!.dims).toEqual([4, 1, 2, 2]);
  });

  test('pads the last batch of a fixed size', async () => {
    const batches = await collect(await shades(5), input([3, 1, 2, 2]), options);
    expect(batches.map(batch => [firsts(batch), batch.samples])).toEqual([
      [[0, 1, 2], 3],
      [[3, 4, 4], 2],
    ]);
  });

  test('says what it reads, and reads it again', async () => {
    const source = imageSamples(await shades(3), input(['n', 1, 2, 2]), options);
    expect(source).toMatchObject({ kind: 'samples', total: 3, description: '3 pictures as gray nchw, 2x2' });
    for (let round = 0; round < 2; round++)
      for await (const batch of source.batches()) expect(firsts(batch)).toEqual([0, 1, 2]);
  });

  test('a broken picture fails when its turn comes, not before', async () => {
    const broken = join(folder, 'broken.png');
    await writeFile(broken, 'broken');
    const paths = [...(await shades(2)), broken];
    const seen: number[][] = [];
    const read = async () => {
      const { batches } = imageSamples(paths, input(['n', 1, 2, 2]), { ...options, batch: 1 });
      for await (const batch of batches()) {
        seen.push(firsts(batch));
        await new Promise(resolve => setTimeout(resolve, 50));
      }
    };
    await expect(read()).rejects.toThrow(`--data ${broken}: must be a picture`);
    expect(seen).toEqual([[0], [1]]);
    for await (const batch of imageSamples(paths, input(['n', 1, 2, 2]), { ...options, batch: 1 }).batches())
      if (batch.samples) break;
  });
});
