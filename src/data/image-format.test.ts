import { describe, expect, test } from 'vitest';
import { Failure } from '../failure.js';
import type { ElementType, InputSpec } from '../onnx/tensor-data.js';
import { type ImageOptions, imageFormat } from './image-format.js';

const input = (dims: InputSpec['dims'], type: ElementType = 'float32'): InputSpec => ({ name: 'x', type, dims });

describe('imageFormat derives', () => {
  test.each<[string, InputSpec['dims'], ImageOptions, object]>([
    ['channels first', ['n', 3, 224, 320], {}, { layout: 'nchw', color: 'rgb', height: 224, width: 320 }],
    ['channels last', [1, 224, 320, 3], {}, { layout: 'nhwc', color: 'rgb', height: 224, width: 320 }],
    ['gray', [null, 1, 28, 28], {}, { layout: 'nchw', color: 'gray' }],
    ['rgba', [1, 320, 320, 4], {}, { layout: 'nhwc', color: 'rgba' }],
    ['bgr as told', ['n', 3, 8, 8], { color: 'bgr' }, { color: 'bgr' }],
    ['free sides as told', ['n', 3, 'h', null], { size: [4, 6] }, { height: 4, width: 6 }],
    ['one free side as told', ['n', 3, 4, null], { size: [4, 6] }, { height: 4, width: 6 }],
    ['the layout by the color', ['n', 3, 8, 1], { color: 'gray' }, { layout: 'nhwc', height: 3, width: 8 }],
    ['rgb for free channels', ['n', null, 8, 8], { layout: 'nchw' }, { color: 'rgb' }],
    ['gray for free channels as told', ['n', null, 8, 8], { layout: 'nchw', color: 'gray' }, { color: 'gray' }],
  ])('%s', (_, dims, options, expected) => {
    expect(imageFormat(input(dims), options)).toMatchObject(expected);
  });

  test('scale 1/255, mean 0, std 1 and cover; for uint8 pixels as they are', () => {
    const plain = { scale: 1 / 255, mean: [0, 0, 0], std: [1, 1, 1], fit: 'cover' };
    expect(imageFormat(input(['n', 3, 8, 8]))).toMatchObject(plain);
    expect(imageFormat(input(['n', 1, 8, 8], 'uint8'))).toMatchObject({ type: 'uint8', scale: 1, mean: [0], std: [1] });
  });
});

describe('imageFormat refuses', () => {
  test.each<[string, InputSpec, ImageOptions, 'input' | 'usage', string]>([
    [
      'integers',
      input(['n', 3, 8, 8], 'int64'),
      {},
      'input',
      "images: input 'x' must be of a float type or uint8, got int64",
    ],
    ['vectors', input(['n', 784]), {}, 'input', "images: input 'x' must have 4 axes, got [N, 784]"],
    ['two possible layouts', input(['n', 3, 8, 3]), {}, 'usage', '--layout: must say nchw or nhwc'],
    ['no possible layout', input(['n', null, null, null]), {}, 'usage', '--layout: must say nchw or nhwc'],
    ['channels elsewhere', input(['n', 3, 8, 8]), { layout: 'nhwc' }, 'input', 'must have 1, 3 or 4 channels as nhwc'],
    [
      'too few channels',
      input(['n', 3, 8, 8]),
      { layout: 'nchw', color: 'gray' },
      'usage',
      "--color: must fit input 'x' of 3 channels as nchw, got gray",
    ],
    ['no size', input(['n', 3, null, null]), {}, 'usage', '--size: must be given, as in --size 320x320'],
    [
      'another size',
      input(['n', 3, 8, 8]),
      { size: [8, 9] },
      'usage',
      "--size: must be 8x8, which input 'x' fixes, got 8x9",
    ],
    [
      'no pixels',
      input(['n', 3, 'h', 'w']),
      { size: [0, 9] },
      'usage',
      '--size: must be HEIGHTxWIDTH of 1 to 16384 pixels',
    ],
    ['too many pixels', input(['n', 3, 'h', 'w']), { size: [9, 1e9] }, 'usage', 'got 9x1000000000'],
    [
      'means of other channels',
      input(['n', 3, 8, 8]),
      { mean: [0.5] },
      'usage',
      '--mean: must be 3 finite numbers, one for each channel, got 0.5',
    ],
    ['std of 0', input(['n', 1, 8, 8]), { std: [0] }, 'usage', '--std: must not hold 0'],
    ['std of NaN', input(['n', 1, 8, 8]), { std: [Number.NaN] }, 'usage', '--std: must be 1 finite numbers'],
    [
      'an infinite scale',
      input(['n', 1, 8, 8]),
      { scale: 1 / 0 },
      'usage',
      '--scale: must be a finite number, got Infinity',
    ],
    ['scaled uint8', input(['n', 1, 8, 8], 'uint8'), { scale: 2 }, 'usage', '--scale, --mean, --std: must be left out'],
    ['uint8 with a mean', input(['n', 1, 8, 8], 'uint8'), { mean: [0] }, 'usage', 'must be left out'],
  ])('%s', (_, spec, options, kind, message) => {
    try {
      imageFormat(spec, options);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(Failure);
      expect((error as Failure).kind).toBe(kind);
      expect((error as Failure).message).toContain(message);
    }
  });
});
