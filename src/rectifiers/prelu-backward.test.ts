import fc from 'fast-check';
import { expect, test } from 'vitest';
import { prelu } from './prelu.js';
import { preluBackward, preluBackwardFromOutput } from './prelu-backward.js';
import { preluBackwardFromMask, preluBackwardFromMaskAndOutput, signMask } from './sign-mask.js';

const numbers = fc.double({ min: -8, max: 8, noNaN: true });

/** A layout, its tensors x and dy, and slopes of the given kind. */
const cases = (slope: fc.Arbitrary<number>) =>
  fc
    .record({
      outer: fc.integer({ min: 1, max: 3 }),
      channels: fc.integer({ min: 1, max: 3 }),
      inner: fc.integer({ min: 1, max: 3 }),
    })
    .chain(layout => {
      const size = layout.outer * layout.channels * layout.inner;
      const tensor = fc.array(numbers, { minLength: size, maxLength: size });
      const slopes = fc.array(slope, { minLength: layout.channels, maxLength: layout.channels });
      return fc.record({ layout: fc.constant(layout), x: tensor, dy: tensor, slopes });
    });

test('the gradients are those of Σ dy * prelu(x), by differences', () => {
  fc.assert(
    fc.property(cases(fc.oneof(fc.constantFrom(0, 1, -1, 2), numbers)), ({ layout, x, dy, slopes }) => {
      const loss = (xs: number[], as: number[]) => prelu(xs, as, { layout }).reduce((sum, y, i) => sum + y * dy[i]!, 0);
      const { dx, dslopes } = preluBackward(x, dy, slopes, { layout });
      // The loss is linear in each slope and, away from 0, in each x: one central difference is exact but for rounding.
      slopes.forEach((_, c) => {
        const moved = (step: number) => loss(x, slopes.with(c, slopes[c]! + step));
        expect(dslopes[c]).toBeCloseTo(moved(0.5) - moved(-0.5), 9);
      });
      x.forEach((value, i) => {
        if (Math.abs(value) < 1e-3) return;
        const step = Math.abs(value) / 2;
        const moved = (by: number) => loss(x.with(i, value + by), slopes);
        expect(dx[i]! * step).toBeCloseTo((moved(step) - moved(-step)) / 2, 9);
      });
    }),
  );
});

test('backward from the output, the mask, and both give the same', () => {
  fc.assert(
    fc.property(cases(fc.double({ min: 0.01, max: 4, noNaN: true })), ({ layout, x, dy, slopes }) => {
      const wanted = preluBackward(x, dy, slopes, { layout });
      const y = prelu(x, slopes, { layout });
      const fromOutput = preluBackwardFromOutput(y, dy, slopes, { layout });
      expect(fromOutput.dx).toEqual(wanted.dx);
      expect(preluBackwardFromMask(signMask(x), dy, slopes, { layout })).toEqual(wanted.dx);
      const fromBoth = preluBackwardFromMaskAndOutput(signMask(x), y, dy, slopes, { layout });
      expect(fromBoth.dx).toEqual(wanted.dx);
      wanted.dslopes.forEach((value, c) => {
        expect(fromOutput.dslopes[c]).toBeCloseTo(value, 10);
        expect(fromBoth.dslopes[c]).toBeCloseTo(value, 10);
      });
    }),
  );
});

test('mask and output together serve negative slopes', () => {
  fc.assert(
    fc.property(cases(fc.double({ min: -4, max: -0.01, noNaN: true })), ({ layout, x, dy, slopes }) => {
      const wanted = preluBackward(x, dy, slopes, { layout });
      const got = preluBackwardFromMaskAndOutput(signMask(x), prelu(x, slopes, { layout }), dy, slopes, { layout });
      expect(got.dx).toEqual(wanted.dx);
      wanted.dslopes.forEach((value, c) => {
        expect(got.dslopes[c]).toBeCloseTo(value, 10);
      });
    }),
  );
});

test('at 0 the derivative follows atZero and the slope learns nothing', () => {
  const at = (atZero?: 'slope' | 'one' | 'half') => preluBackward([0, -0], [2, 2], 0.5, atZero ? { atZero } : {});
  expect(at().dx).toEqual([1, 1]);
  expect(at('one').dx).toEqual([2, 2]);
  expect(at('half').dx).toEqual([1.5, 1.5]);
  expect(at().dslopes).toEqual(Float64Array.of(0));
  expect(preluBackward([0, 1], [Infinity, NaN], 0.5).dslopes).toEqual(Float64Array.of(0));
});

test('special values', () => {
  const { dx, dslopes } = preluBackward([NaN, -Infinity, Infinity], [1, 2, 3], [0.5, 0.5, 0.5]);
  expect(dx).toEqual([0.5, 1, 3]);
  expect(dslopes).toEqual(Float64Array.of(NaN, -Infinity, 0));
  expect(preluBackward([], [], 0.5)).toEqual({ dx: [], dslopes: Float64Array.of(0) });
  expect(preluBackward([-Infinity, -1], [1, 1], 0.5).dslopes).toEqual(Float64Array.of(-Infinity));
});

test('sums keep what plain float64 would lose', () => {
  const x = new Float64Array(1001).fill(-1).with(0, -1e16);
  expect(preluBackward(x, new Float64Array(1001).fill(1), 0.5).dslopes[0]).toBe(-1e16 - 1000);
});

test('a Float32Array keeps its kind and float32 slopes; dx may take the place of dy or x', () => {
  const [x, dy] = [Float32Array.of(-1, 2), Float32Array.of(3, 3)];
  const { dx } = preluBackward(x, dy, 0.1, { out: dy });
  expect(dx).toBe(dy);
  expect(dx).toEqual(Float32Array.of(Math.fround(0.1) * 3, 3));
  expect(preluBackward(x, Float32Array.of(1, 1), 0.5, { out: x }).dx).toEqual(Float32Array.of(0.5, 1));
});

test('what does not fit is refused', () => {
  const refused = (run: () => unknown, message: string) => expect(run).toThrow(new RangeError(message));
  refused(() => preluBackward([1, 2], [1], 0.5), 'preluBackward: dy must have length 2 (that of x), got 1');
  refused(
    () => preluBackwardFromOutput([1, 2], [1, 2], [0.5, 0]),
    'preluBackwardFromOutput: slopes must be greater than 0, for y to have the sign of x, got 0 (channel 1)',
  );
  refused(
    () => preluBackwardFromMaskAndOutput(new Uint8Array(1), [1], [1], 0),
    'preluBackwardFromMaskAndOutput: slopes must not be 0, for y to tell x, got 0 (channel 0)',
  );
  refused(
    () => preluBackwardFromMask(new Uint8Array(1), new Float32Array(9), 0.5),
    'preluBackwardFromMask: mask must have length 2 (a bit for each of 9 elements), got 1',
  );
  const memory = new Float32Array(4);
  expect(() => preluBackward(memory.subarray(0, 2), new Float32Array(2), 0.5, { out: memory.subarray(1, 3) })).toThrow(
    'preluBackward: out must be x itself or not overlap it',
  );
});

test('sign masks: a bit for each element, the first lowest', () => {
  fc.assert(
    fc.property(fc.array(fc.double(), { maxLength: 40 }), x => {
      const mask = signMask(x);
      expect(mask.length).toBe(Math.ceil(x.length / 8));
      x.forEach((value, i) => {
        expect((mask[i >> 3]! >> (i & 7)) & 1).toBe(Number(value > 0));
      });
    }),
  );
});
