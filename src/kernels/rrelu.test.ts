import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import * as definition from '../rectifiers/index.js';
import { KernelMemory, type Path, rrelu, rreluTrain, rreluTrainBackward } from './index.js';

const special = [0, -0, -1, 1, Number.NaN, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, -1e-45, -1e-38, -3e38];
const solo: Path[] = ['js', 'simd'];

/** The bits, with every NaN the same. */
const bits = (values: Float32Array) =>
  Array.from(new Uint32Array(values.slice().buffer), (word, i) => (Number.isNaN(values[i]) ? 'NaN' : word));
const same = (got: Float32Array, want: Float32Array) => expect(bits(got)).toEqual(bits(want));

const number = fc.oneof(fc.constantFrom(...special), fc.float({ min: -4, max: 4, noNaN: true }));
const noises = fc.record({
  seed: fc.maxSafeNat(),
  stream: fc.maxSafeNat(),
  offset: fc.oneof(fc.nat(100), fc.integer({ min: 2 ** 34 - 70, max: 2 ** 34 + 5 }), fc.nat(2 ** 40)),
  convention: fc.constantFrom('uniform' as const, 'xu2015' as const),
  upper: fc.constantFrom(8, 1000),
  lower: fc.constantFrom(0.1, 3, 8),
});

describe.each(solo)('%s', path => {
  test('forward and backward are bit-equal to the definition, for any offset and length', () => {
    fc.assert(
      fc.property(fc.array(number, { maxLength: 200 }), noises, (values, noise) => {
        const x = Float32Array.from(values);
        const dy = x.toReversed();
        const want = definition.rreluTrain(x, noise);
        same(rreluTrain(x, { ...noise, path }), want);
        const over = x.slice();
        expect(rreluTrain(over, { ...noise, path, out: over })).toBe(over);
        same(over, want);
        const gradient = definition.rreluTrainBackward(x, dy, noise);
        same(rreluTrainBackward(x, dy, { ...noise, path }), gradient);
        const [inDy, inX] = [dy.slice(), x.slice()];
        same(rreluTrainBackward(x, inDy, { ...noise, path, out: inDy }), gradient);
        same(rreluTrainBackward(inX, dy, { ...noise, path, out: inX }), gradient);
        same(rrelu(x, { ...noise, path }), definition.rrelu(x, noise));
      }),
    );
  });
});

test('negative, equal and zero bounds', () => {
  const x = new Float32Array(100).fill(-1);
  for (const [lower, upper] of [
    [-2, -1],
    [0.5, 0.5],
    [0, 0],
    [-0, 0],
    [-1, 1],
  ] as const)
    for (const path of solo)
      same(rreluTrain(x, { seed: 3, lower, upper, path }), definition.rreluTrain(x, { seed: 3, lower, upper }));
});

const crew = new KernelMemory({ bytes: 2 ** 24, threads: 3 });
afterAll(() => crew.close());

test('chunks and threads meet the same slopes', () => {
  const length = 600_011;
  const values = Float32Array.from({ length }, (_, i) => Math.sin(12.9898 * i));
  const noise = { seed: 11, offset: 5 };
  const want = definition.rreluTrain(values, noise);
  const matches = (got: Float32Array) =>
    expect(Buffer.compare(Buffer.from(got.slice().buffer), Buffer.from(want.buffer))).toBe(0);
  matches(rreluTrain(values, noise));
  const [x, out] = [crew.allocate(length), crew.allocate(length)];
  x.set(values);
  matches(rreluTrain(x, { ...noise, out, path: 'threads' }));
  matches(rreluTrain(x, { ...noise, out }));
});
