import fc from 'fast-check';
import { expect, test } from 'vitest';
import { channelLayout } from './layout.js';
import { leakyRelu } from './leaky-relu.js';
import { philox } from './philox.js';
import { prelu, preluDerivative, preluInverse, preluLogDet, preluRectifier } from './prelu.js';

const layouts = fc.record({
  outer: fc.integer({ min: 0, max: 4 }),
  channels: fc.integer({ min: 1, max: 5 }),
  inner: fc.integer({ min: 0, max: 5 }),
});

test('every element gets the slope of its channel, in every layout', () => {
  fc.assert(
    fc.property(
      layouts,
      fc.infiniteStream(fc.double()),
      fc.infiniteStream(fc.double({ min: -2, max: 2, noNaN: true })),
      (layout, xs, as) => {
        const size = layout.outer * layout.channels * layout.inner;
        const x = Float64Array.from({ length: size }, () => xs.next().value as number);
        const slopes = Array.from({ length: layout.channels }, () => as.next().value as number);
        const wanted = x.map((value, i) => {
          const c = Math.floor(i / layout.inner) % layout.channels;
          return value > 0 ? value : slopes[c]! * value;
        });
        expect(prelu(x, slopes, { layout })).toEqual(wanted);
      },
    ),
  );
});

test('one slope is shared, with and without a layout; one for each element needs none', () => {
  const x = Float32Array.of(-1, 2, -3, 4, -5, 6);
  const wanted = leakyRelu(x, { negativeSlope: 0.3 });
  expect(prelu(x, 0.3)).toEqual(wanted);
  expect(prelu(x, [0.3])).toEqual(wanted);
  expect(prelu(x, Float64Array.of(0.3), { layout: { outer: 1, channels: 6, inner: 1 } })).toEqual(wanted);
  expect(prelu([-1, -1, -1], [1, 2, 3])).toEqual([-1, -2, -3]);
  expect(prelu([-1, -1, -1, -1], [1, 2], { layout: channelLayout([2, 2]) })).toEqual([-1, -2, -1, -2]);
  expect(prelu([], 0.3)).toEqual([]);
  expect(prelu(x, 0.3, { out: x })).toBe(x);
});

test('special values, as leaky ReLU', () => {
  expect(prelu([-0, 0, NaN, -Infinity, Infinity, -5e-324], 1)).toEqual([-0, 0, NaN, -Infinity, Infinity, -5e-324]);
  expect(prelu(0, -1)).toBe(-0);
  expect(preluDerivative([-1, -0, 0, 1, NaN], 0.5)).toEqual([0.5, 0.5, 0.5, 1, NaN]);
  expect(
    preluDerivative([-1, 0, -1, 0], [0, 2], { layout: { outer: 1, channels: 2, inner: 2 }, atZero: 'half' }),
  ).toEqual([0, 0.5, 2, 1.5]);
});

test('inverse and log-determinant', () => {
  const layout = { outer: 2, channels: 2, inner: 1 };
  const [x, slopes] = [
    [-1, 2, -3, -4],
    [0.5, 4],
  ];
  expect(preluInverse(prelu(x, slopes, { layout }), slopes, { layout })).toEqual(x);
  expect(preluLogDet(x, slopes, { layout })).toBeCloseTo(2 * Math.log(0.5) + Math.log(4), 14);
  expect(preluLogDet([-1, NaN], 0.5)).toBe(NaN);
  expect(() => preluInverse(x, [0.5, -1], { layout })).toThrow(
    new RangeError(
      'preluInverse: slopes must be greater than 0, for the function to have an inverse, got -1 (channel 1)',
    ),
  );
});

test('what does not fit is refused', () => {
  const x = new Float32Array(64 * 4);
  const refused = (run: () => unknown, message: string) => expect(run).toThrow(new RangeError(message));
  const layout = { outer: 2, channels: 64, inner: 2 };
  refused(() => prelu(x, new Float32Array(32), { layout }), 'prelu: slopes must have length 64 (channels), got 32');
  refused(
    () => prelu(x, new Float32Array(32)),
    'prelu: slopes must have length 1 (shared) or 256 (one for each element of x) where no layout is given, got 32',
  );
  refused(() => prelu(x, NaN), 'prelu: slopes must be finite in float32, got NaN (channel 0)');
  refused(() => prelu(x, 1e40), 'prelu: slopes must be finite in float32, got 1e+40 (channel 0)');
  refused(() => prelu([1, 2], [0, Infinity]), 'prelu: slopes must be finite, got Infinity (channel 1)');
  refused(
    () => prelu(x, 0.25, { layout: { outer: 1, channels: 64, inner: 2 } }),
    'prelu: layout outer * channels * inner must be 256 (length of x), got 1 * 64 * 2 = 128',
  );
  refused(
    () => prelu(x, 0.25, { layout: { outer: 0.5, channels: 64, inner: 2 } }),
    'prelu: layout.outer must be a whole number from 0 to 2^53 - 1, got 0.5',
  );
  refused(() => channelLayout([2, 3], 2), 'channelLayout: axis must be one of the 2 axes of [2, 3], got 2');
});

test('as a Rectifier', () => {
  expect(preluRectifier()).toMatchObject({
    name: 'prelu:0.25',
    label: 'PReLU (0.25)',
    parameters: { negativeSlope: 0.25 },
  });
});

test('what is no shape, no words and no slope is refused by name', () => {
  expect(() => channelLayout(3 as never)).toThrow(
    new TypeError('channelLayout: dims must be an array of numbers, got 3'),
  );
  expect(() => philox(1 as never, [0, 0])).toThrow(
    new TypeError('philox: counter must be an array of 4 32-bit whole numbers, got 1'),
  );
  expect(() => preluRectifier(Number.NaN)).toThrow(new RangeError('preluRectifier: slope must be finite, got NaN'));
});
