import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { Failure } from '../failure.js';
import type { InputSpec, TensorData } from '../onnx/tensor-data.js';
import { plural } from '../words.js';
import { chooseBatching, readBatches, type SampleReader, type SampleSource } from './batches.js';
import { firstLine, readFailure } from './bytes.js';
import { convertElements } from './elements.js';
import { channelCount, type ImageFormat, type ImageOptions, imageFormat } from './image-format.js';

/** Pictures that are decoded ahead of the one that is asked for. */
const decodedAhead = 4;
const extensions = /\.(jpe?g|png|webp|gif|tiff?|avif|svg)$/i;

/**
 * Whether the path's extension is that of a picture that can be read: jpg, jpeg, png, webp, gif, tif, tiff, avif or svg.
 *
 * @example
 * import { isImagePath } from 'reluminate/data';
 * ['cat.jpg', 'CAT.PNG', 'cats.npz'].map(isImagePath); // => [true, true, false]
 */
export function isImagePath(path: string): boolean {
  return extensions.test(path);
}

/**
 * The pictures in a folder and its subfolders, by path in code-unit order; hidden files and folders are left out.
 * Throws a Failure (`input`) that starts with `label` where there are none.
 *
 * @example
 * import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
 * import { tmpdir } from 'node:os';
 * import { basename, join } from 'node:path';
 * import { listImages } from 'reluminate/data';
 * const folder = mkdtempSync(join(tmpdir(), 'pictures-'));
 * for (const name of ['dog.png', 'cat.jpg', '.hidden.png', 'notes.txt']) writeFileSync(join(folder, name), '');
 * const paths = await listImages(folder, '--data');
 * rmSync(folder, { recursive: true });
 * paths.map(path => basename(path)); // => ["cat.jpg", "dog.png"]
 */
export async function listImages(folder: string, label: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true }).catch(error => Promise.reject(readFailure(error, label)));
  const paths = entries
    .map(path => path.replaceAll('\\', '/'))
    .filter(path => !path.split('/').some(part => part.startsWith('.')));
  const images = paths.filter(isImagePath).sort();
  if (images.length > 0) return images.map(path => join(folder, path));
  const arrays = paths.filter(path => /\.np[yz]$/i.test(path)).length;
  throw new Failure(
    'input',
    arrays > 0
      ? `${label}: a folder must hold pictures, got ${arrays} NPY or NPZ files, which are named one by one, as in ${folder}/*`
      : `${label}: a folder must hold pictures (jpg, png, webp, gif, tif, avif or svg), got none`,
  );
}

/**
 * Pictures as samples of a model's only input. Their EXIF orientation is applied, transparency laid over white (kept for
 * `rgba`), the size reached by Lanczos resampling, values computed as `ImageFormat` says. A few pictures are decoded
 * ahead, so memory is bounded by a batch. Throws the Failures of `imageFormat` and, while reading, a Failure (`input`)
 * that names the picture which cannot be decoded.
 *
 * @example
 * import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
 * import { tmpdir } from 'node:os';
 * import { join } from 'node:path';
 * import { imageSamples } from 'reluminate/data';
 * const folder = mkdtempSync(join(tmpdir(), 'pictures-'));
 * writeFileSync(join(folder, 'a.svg'), '<svg xmlns="http://www.w3.org/2000/svg" width="2" height="2"><rect width="2" height="2" fill="red"/></svg>');
 * const source = imageSamples([join(folder, 'a.svg')], { name: 'x', type: 'float32', dims: ['N', 3, 2, 2] });
 * const pixels = [];
 * for await (const { feeds } of source.batches()) pixels.push([...feeds.x.data]);
 * rmSync(folder, { recursive: true });
 * [source.total, pixels]; // => [1, [[1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0]]]
 */
export function imageSamples(
  paths: readonly string[],
  input: InputSpec,
  options: ImageOptions & { readonly batch?: number | undefined; readonly samples?: number | undefined } = {},
): SampleSource {
  const format = imageFormat(input, options);
  const batching = chooseBatching([input], format.height * format.width * channelCount(format), options);
  const total = Math.min(paths.length, batching.limit);
  return {
    description: `${plural(total, 'picture')} as ${format.color} ${format.layout}, ${format.height}x${format.width}`,
    kind: 'samples',
    total,
    batches: () => readBatches(imageReader(paths.slice(0, total), input.name, format), batching),
  };
}

/**
 * One picture as a tensor of dims [1, channels, height, width] or [1, height, width, channels].
 *
 * @example
 * import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
 * import { tmpdir } from 'node:os';
 * import { join } from 'node:path';
 * import { decodeImage, imageFormat } from 'reluminate/data';
 * const folder = mkdtempSync(join(tmpdir(), 'pictures-'));
 * const path = join(folder, 'blue.svg');
 * writeFileSync(path, '<svg xmlns="http://www.w3.org/2000/svg" width="2" height="2"><rect width="2" height="2" fill="blue"/></svg>');
 * const { dims, data } = await decodeImage(path, imageFormat({ name: 'x', type: 'uint8', dims: ['N', 2, 2, 3] }));
 * rmSync(folder, { recursive: true });
 * [dims, [...data.subarray(0, 6)]]; // => [[1, 2, 2, 3], [0, 0, 255, 0, 0, 255]]
 */
export async function decodeImage(path: string, format: ImageFormat): Promise<TensorData> {
  const { height, width, layout, type } = format;
  const channels = channelCount(format);
  const pixels = arrangePixels(await decodePixels(path, format), format);
  const dims = layout === 'nchw' ? [1, channels, height, width] : [1, height, width, channels];
  if (type === 'uint8') return { type, dims, data: pixels };
  return convertElements({ type: 'float32', dims, data: normalize(pixels, format) }, type);
}

/** Decodes in order, a few pictures ahead of the reader. */
function imageReader(paths: readonly string[], name: string, format: ImageFormat): SampleReader {
  const decoding: Promise<TensorData>[] = [];
  let started = 0;
  function decodeAhead(): void {
    while (started < paths.length && decoding.length < decodedAhead) {
      const picture = decodeImage(paths[started++]!, format);
      // A picture may fail before its turn comes; the error is thrown when it does.
      picture.catch(() => {});
      decoding.push(picture);
    }
  }
  return {
    async next() {
      decodeAhead();
      const picture = decoding.shift();
      decodeAhead();
      return picture === undefined ? null : Object.fromEntries([[name, await picture]]);
    },
    async close() {
      started = paths.length;
      await Promise.allSettled(decoding);
    },
  };
}

/** The picture's pixels at the format's size, row by row, as RGB or RGBA bytes. */
async function decodePixels(path: string, { height, width, fit, color }: ImageFormat): Promise<Uint8Array> {
  const label = `--data ${path}`;
  const file = await readFile(path).catch(error => Promise.reject(readFailure(error, label)));
  const picture = sharp(file, { failOn: 'error' }).autoOrient().toColourspace('srgb');
  const opaque = color === 'rgba' ? picture.ensureAlpha() : picture.flatten({ background: 'white' });
  try {
    return await opaque.resize({ width, height, fit, background: 'black' }).raw({ depth: 'uchar' }).toBuffer();
  } catch (cause) {
    const message = firstLine((cause as Error).message);
    throw new Failure('input', `${label}: must be a picture that can be decoded, got an error: ${message}`, { cause });
  }
}

/** RGB or RGBA bytes in the format's channel order and layout. */
function arrangePixels(pixels: Uint8Array, format: ImageFormat): Uint8Array {
  const { color, layout } = format;
  const ordered = color === 'gray' ? toLuma(pixels) : color === 'bgr' ? swapRedAndBlue(pixels) : pixels;
  return layout === 'nhwc' ? ordered : toPlanes(ordered, channelCount(format));
}

/** Luma in 16-bit fixed point, rounded as Pillow rounds it. */
function toLuma(rgb: Uint8Array): Uint8Array {
  const luma = new Uint8Array(rgb.length / 3);
  for (let pixel = 0; pixel < luma.length; pixel++) {
    const [r, g, b] = [rgb[pixel * 3]!, rgb[pixel * 3 + 1]!, rgb[pixel * 3 + 2]!];
    luma[pixel] = (r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16;
  }
  return luma;
}

function swapRedAndBlue(rgb: Uint8Array): Uint8Array {
  const bgr = new Uint8Array(rgb.length);
  for (let i = 0; i < rgb.length; i += 3) {
    bgr[i] = rgb[i + 2]!;
    bgr[i + 1] = rgb[i + 1]!;
    bgr[i + 2] = rgb[i]!;
  }
  return bgr;
}

function toPlanes(interleaved: Uint8Array, channels: number): Uint8Array {
  const planes = new Uint8Array(interleaved.length);
  const area = interleaved.length / channels;
  for (let channel = 0; channel < channels; channel++)
    for (let pixel = 0; pixel < area; pixel++)
      planes[channel * area + pixel] = interleaved[pixel * channels + channel]!;
  return planes;
}

/** (pixel * scale - mean[c]) / std[c], by a table of the 256 values for each channel. */
function normalize(pixels: Uint8Array, format: ImageFormat): Float32Array {
  const { layout, scale, mean, std } = format;
  const channels = channelCount(format);
  const area = pixels.length / channels;
  const values = new Float32Array(pixels.length);
  for (let channel = 0; channel < channels; channel++) {
    const table = Float32Array.from({ length: 256 }, (_, pixel) => (pixel * scale - mean[channel]!) / std[channel]!);
    const [start, step] = layout === 'nchw' ? [channel * area, 1] : [channel, channels];
    for (let i = 0; i < area; i++) values[start + i * step] = table[pixels[start + i * step]!]!;
  }
  return values;
}
