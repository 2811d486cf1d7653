import { Failure } from '../failure.js';
import type { ElementType, InputSpec } from '../onnx/tensor-data.js';
import { formatDims } from './match.js';

/** Order of the channels. `gray` is the luma of ITU-R BT.601 (0.299 R + 0.587 G + 0.114 B), as in OpenCV and Pillow. */
export type ColorOrder = 'rgb' | 'bgr' | 'gray' | 'rgba';

/** How pictures become tensors. What is left out follows from the model's input where it can. */
export interface ImageOptions {
  /** Height and width in pixels. */
  readonly size?: readonly [number, number] | undefined;
  /** How a picture of another aspect ratio is brought to size: cropped (`cover`), with black bars (`contain`), or stretched (`fill`). */
  readonly fit?: 'cover' | 'contain' | 'fill' | undefined;
  readonly color?: ColorOrder | undefined;
  /** Channels on axis 1 (`nchw`) or on the last axis (`nhwc`). */
  readonly layout?: 'nchw' | 'nhwc' | undefined;
  /** Factor on the pixels 0 … 255: 1/255 unless given. */
  readonly scale?: number | undefined;
  /** For each channel in the tensor's order, subtracted after scaling: 0 unless given. */
  readonly mean?: readonly number[] | undefined;
  /** For each channel in the tensor's order, divided by after the mean is subtracted: 1 unless given. */
  readonly std?: readonly number[] | undefined;
}

/** How pictures become tensors, with nothing left open: value = (pixel * scale - mean[c]) / std[c]. */
export interface ImageFormat {
  readonly type: ElementType;
  readonly height: number;
  readonly width: number;
  readonly fit: 'cover' | 'contain' | 'fill';
  readonly color: ColorOrder;
  readonly layout: 'nchw' | 'nhwc';
  readonly scale: number;
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

const channelsOf: Readonly<Record<ColorOrder, number>> = { rgb: 3, bgr: 3, gray: 1, rgba: 4 };
const colorOfChannels: Readonly<Record<number, ColorOrder>> = { 1: 'gray', 3: 'rgb', 4: 'rgba' };
const largestSide = 2 ** 14;

/**
 * How pictures become tensors for an input, from the options and the input's dims: the axis of size 1, 3 or 4 at the
 * front or the end holds gray, rgb or rgba, the other two height and width. An input of uint8 takes the pixels as they
 * are. Throws a Failure (`input`) for an input that takes no pictures and a Failure (`usage`) that names the flag for
 * what cannot be derived or contradicts the input.
 *
 * @example
 * import { imageFormat } from 'reluminate/data';
 * const input = { name: 'x', type: 'float32', dims: ['batch', 3, 'height', 'width'] };
 * imageFormat(input, { size: [320, 240] }).layout; // => "nchw"
 */
export function imageFormat(input: InputSpec, options: ImageOptions = {}): ImageFormat {
  if (input.type !== 'uint8' && !input.type.startsWith('float'))
    throw new Failure('input', `images: input '${input.name}' must be of a float type or uint8, got ${input.type}`);
  if (input.dims.length !== 4)
    throw new Failure('input', `images: input '${input.name}' must have 4 axes, got ${formatDims(input.dims)}`);
  const layout = options.layout ?? deriveLayout(input, options.color);
  const [channels, height, width] = arrange(input.dims, layout);
  const color = options.color ?? deriveColor(channels, input, layout);
  if (channelsOf[color] !== channels && typeof channels === 'number')
    throw new Failure(
      'usage',
      `--color: must fit input '${input.name}' of ${channels} channels as ${layout}, got ${color}`,
    );
  const [sizeHeight, sizeWidth] = deriveSize(height, width, input, options.size);
  return {
    type: input.type,
    height: sizeHeight,
    width: sizeWidth,
    fit: options.fit ?? 'cover',
    color,
    layout,
    ...deriveScaling(input, channelsOf[color], options),
  };
}

/** Channels of one picture. */
export function channelCount({ color }: ImageFormat): number {
  return channelsOf[color];
}

type Dim = InputSpec['dims'][number];

/** The dims of channels, height and width. */
function arrange(dims: InputSpec['dims'], layout: 'nchw' | 'nhwc'): [Dim, Dim, Dim] {
  const [, a, b, c] = dims as [Dim, Dim, Dim, Dim];
  return layout === 'nchw' ? [a, b, c] : [c, a, b];
}

function deriveLayout(input: InputSpec, color: ColorOrder | undefined): 'nchw' | 'nhwc' {
  const counts = color === undefined ? Object.values(channelsOf) : [channelsOf[color]];
  const holdsChannels = (dim: Dim | undefined) => counts.includes(dim as number);
  const first = holdsChannels(input.dims[1]);
  const last = holdsChannels(input.dims[3]);
  if (first !== last) return first ? 'nchw' : 'nhwc';
  throw new Failure(
    'usage',
    `--layout: must say nchw or nhwc, as the dims ${formatDims(input.dims)} of input '${input.name}' do not show which axis holds ${counts.length === 1 ? `the channels of ${color}` : '1, 3 or 4 channels'}`,
  );
}

function deriveColor(channels: Dim, input: InputSpec, layout: string): ColorOrder {
  if (typeof channels !== 'number') return 'rgb';
  const color = colorOfChannels[channels];
  if (color !== undefined) return color;
  throw new Failure(
    'input',
    `images: input '${input.name}' must have 1, 3 or 4 channels as ${layout}, got ${formatDims(input.dims)}`,
  );
}

function deriveSize(
  height: Dim,
  width: Dim,
  input: InputSpec,
  size: readonly [number, number] | undefined,
): readonly [number, number] {
  if (size?.some(side => !(Number.isInteger(side) && side >= 1 && side <= largestSide)))
    throw new Failure('usage', `--size: must be HEIGHTxWIDTH of 1 to ${largestSide} pixels, got ${size.join('x')}`);
  const sides = [height, width].map((dim, axis) => (typeof dim === 'number' ? dim : size?.[axis]));
  const [rows, columns] = sides;
  if (rows === undefined || columns === undefined)
    throw new Failure(
      'usage',
      `--size: must be given, as in --size 320x320, as input '${input.name}' takes any, got none`,
    );
  if (size !== undefined && (size[0] !== rows || size[1] !== columns))
    throw new Failure(
      'usage',
      `--size: must be ${rows}x${columns}, which input '${input.name}' fixes, got ${size.join('x')}`,
    );
  return [rows, columns];
}

function deriveScaling(
  input: InputSpec,
  channels: number,
  { scale, mean, std }: ImageOptions,
): Pick<ImageFormat, 'scale' | 'mean' | 'std'> {
  if (input.type === 'uint8' && ((scale ?? 1) !== 1 || mean !== undefined || std !== undefined))
    throw new Failure(
      'usage',
      `--scale, --mean, --std: must be left out, as input '${input.name}' takes pixels as uint8`,
    );
  checkChannelValues('--mean', mean, channels);
  checkChannelValues('--std', std, channels);
  if (std?.includes(0)) throw new Failure('usage', `--std: must not hold 0, got ${std.join(',')}`);
  if (scale !== undefined && !Number.isFinite(scale))
    throw new Failure('usage', `--scale: must be a finite number, got ${scale}`);
  return {
    scale: scale ?? (input.type === 'uint8' ? 1 : 1 / 255),
    mean: mean ?? new Array(channels).fill(0),
    std: std ?? new Array(channels).fill(1),
  };
}

function checkChannelValues(flag: string, values: readonly number[] | undefined, channels: number): void {
  if (values === undefined || (values.length === channels && values.every(Number.isFinite))) return;
  throw new Failure(
    'usage',
    `${flag}: must be ${channels} finite numbers, one for each channel, got ${values.join(',') || 'none'}`,
  );
}
