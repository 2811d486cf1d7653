import { expect, test } from 'vitest';
import * as definition from '../rectifiers/index.js';
import * as kernels from './index.js';

const x = Float32Array.of(-1, 2, -4, 8);
const two = { outer: 1, channels: 2, inner: 2 };

function detached(): Float32Array {
  const array = new Float32Array(4);
  structuredClone(array.buffer, { transfer: [array.buffer] });
  return array;
}

/** The message of what a call throws. */
function refusal(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    expect(error).toBeInstanceOf(error instanceof TypeError ? TypeError : RangeError);
    return (error as Error).message;
  }
  return 'nothing thrown';
}

const unchecked = (value: unknown) => value as never;
const shared = new Float32Array(6);

/** Calls that both refuse; the second argument has the functions of one of them. */
const calls: Record<string, (of: typeof definition | typeof kernels) => unknown> = {
  'slopes of another length': of => of.prelu(x, [1, 2, 3], { layout: two }),
  'float32 slopes of another length': of => of.prelu(x, new Float32Array(3), { layout: two }),
  'slopes without a layout': of => of.prelu(x, [1, 2]),
  'slopes that are not numbers': of => of.prelu(x, unchecked('0.25')),
  'a slope that is NaN': of => of.prelu(x, [1, Number.NaN], { layout: two }),
  'a float32 slope that is NaN': of => of.prelu(x, Float32Array.of(1, Number.NaN), { layout: two }),
  'a slope too large for float32': of => of.prelu(x, 1e39),
  'a layout that does not fit': of => of.prelu(x, 0.25, { layout: { outer: 2, channels: 2, inner: 2 } }),
  'a layout of fractions': of => of.prelu(x, 0.25, { layout: { outer: 0.5, channels: 2, inner: 4 } }),
  'a layout that is none': of => of.prelu(x, 0.25, { layout: unchecked('NCHW') }),
  'an out of another kind': of => of.prelu(x, 0.25, { out: unchecked(new Float64Array(4)) }),
  'an out of another length': of => of.prelu(x, 0.25, { out: new Float32Array(3) }),
  'an out that overlaps in part': of => of.prelu(shared.subarray(0, 4), 0.25, { out: shared.subarray(2, 6) }),
  'a detached x': of => of.prelu(detached(), 0.25),
  'a detached out': of => of.prelu(x, 0.25, { out: detached() }),
  'relu, an out of another length': of => of.relu(x, { out: new Float32Array(3) }),
  'two names for a slope': of => of.leakyRelu(x, { negativeSlope: 0.1, alpha: 0.2 }),
  'an infinite slope': of => of.leakyRelu(x, { negativeSlope: Number.POSITIVE_INFINITY }),
  'dy of another length': of => of.preluBackward(x, new Float32Array(3), 0.25),
  'an unknown atZero': of => of.preluBackward(x, x, 0.25, { atZero: unchecked('two') }),
  'dx that overlaps dy in part': of => of.preluBackward(x, shared.subarray(0, 4), 0.25, { out: shared.subarray(2, 6) }),
  'dx that overlaps x in part': of => of.preluBackward(shared.subarray(0, 4), x, 0.25, { out: shared.subarray(2, 6) }),
  'slopes up to 0 from the output': of => of.preluBackwardFromOutput(x, x, [0.5, 0], { layout: two }),
  'rrelu, bounds in the wrong order': of => of.rreluTrain(x, { seed: 1, lower: 1, upper: 0.5 }),
  'rrelu, a bound too large for float32': of => of.rreluTrain(x, { seed: 1, lower: 0, upper: 1e39 }),
  'rrelu, a seed that is no whole number': of => of.rreluTrain(x, { seed: 0.5 }),
  'rrelu, dy of another length': of => of.rreluTrainBackward(x, new Float32Array(3), { seed: 1 }),
  'rrelu, dx that overlaps x in part': of =>
    of.rreluTrainBackward(shared.subarray(0, 4), x, { seed: 1, out: shared.subarray(2, 6) }),
  'a mask of another length': of => of.preluBackwardFromMask(new Uint8Array(2), x, 0.25),
  'a mask of another kind': of => of.preluBackwardFromMask(unchecked([1]), x, 0.25),
};

test.each(Object.keys(calls))('%s is refused with the message of the definition', name => {
  const call = calls[name]!;
  const message = refusal(() => call(definition));
  expect(message).not.toBe('nothing thrown');
  expect(refusal(() => call(kernels))).toBe(message);
});

test('other kinds of arrays are refused', () => {
  expect(refusal(() => kernels.prelu(unchecked([1]), 0.25))).toBe('prelu: x must be a Float32Array, got Array');
  expect(refusal(() => kernels.preluBackward(x, unchecked(new Float64Array(4)), 0.25))).toBe(
    'preluBackward: dy must be a Float32Array, got Float64Array',
  );
});

test('a bias that does not fit is refused', () => {
  expect(refusal(() => kernels.preluBias(x, [1, 2, 3], 0.25, { layout: two }))).toBe(
    'preluBias: bias must have length 2 (channels), got 3',
  );
  expect(refusal(() => kernels.preluBias(x, [1, 2], 0.25))).toBe(
    'preluBias: bias must have length 1 (shared) or 4 (one for each element of x) where no layout is given, got 2',
  );
  expect(refusal(() => kernels.preluBias(x, [1, 1e39], 0.25, { layout: two }))).toBe(
    'preluBias: bias must be finite in float32, got 1e+39 (channel 1)',
  );
});

test('a path that there is not, or that cannot be taken, is refused', () => {
  expect(refusal(() => kernels.relu(x, { path: unchecked('gpu') }))).toBe(
    "relu: path must be 'scalar', 'js', 'simd' or 'threads', got 'gpu'",
  );
  expect(refusal(() => kernels.relu(x, { path: 'threads' }))).toBe(
    "relu: path must not be 'threads' unless all arrays are allocated in one KernelMemory with threads, got 'threads'",
  );
  expect(refusal(() => kernels.signMask(x, { path: 'threads' }))).toBe(
    "signMask: path must be 'simd', 'js' or 'scalar' with a mask, got 'threads'",
  );
  const memory = new kernels.KernelMemory({ bytes: 2 ** 20, threads: 2 });
  const held = memory.allocate(20_000);
  const slopes = new Float32Array(20_000);
  const layout = { outer: 1, channels: 20_000, inner: 1 };
  expect(refusal(() => kernels.prelu(held, slopes, { layout, out: held, path: 'threads' }))).toBe(
    "prelu: path must not be 'threads' with so many slopes (20000), got 'threads'",
  );
  memory.close();
});

test('empty arrays are fine', () => {
  const none = new Float32Array(0);
  for (const path of [undefined, 'scalar', 'js', 'simd'] as const) {
    expect(kernels.prelu(none, 0.25, { path }).length).toBe(0);
    expect(Array.from(kernels.preluBackward(none, none, 0.25, { path }).dslopes)).toEqual([0]);
    expect(kernels.signMask(none, { path }).length).toBe(0);
  }
});
