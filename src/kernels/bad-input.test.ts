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

const unit = definition.createPreluUnit({ channels: 2 });

/** The functions of the definition, for calls that the kernels take. */
const defined = definition as unknown as typeof kernels;

/** Calls that both refuse; the argument has the functions of one of them. */
const calls: Record<string, (of: typeof kernels) => unknown> = {
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
  'relu backward, dy of another length': of => of.reluBackward(x, new Float32Array(3)),
  'relu backward, dx that overlaps x in part': of =>
    of.reluBackward(shared.subarray(0, 4), x, { out: shared.subarray(2, 6) }),
  'a detached x, its signs': of => of.signMask(detached()),
  'options that are a number': of => of.leakyRelu(x, unchecked(0.5)),
  'options that are null': of => of.leakyRelu(x, unchecked(null)),
  'a slope too large for float32 by its other name': of => of.leakyRelu(x, { alpha: 1e39 }),
  'a slope that is text': of => of.leakyRelu(x, { negativeSlope: unchecked('0.1') }),
  'rrelu in evaluation, bounds in the wrong order': of => of.rrelu(x, { lower: 1, upper: 0 }),
  'rrelu in evaluation, a bound too large for float32': of => of.rrelu(x, { lower: 0, upper: 1e39 }),
  'rrelu in evaluation, options that are a number': of => of.rrelu(x, unchecked(0.1)),
  'rrelu in evaluation, an out of another length': of => of.rrelu(x, { out: new Float32Array(3) }),
  'rrelu without a seed': of => of.rreluTrain(x, unchecked(undefined)),
  'rrelu backward without a seed': of => of.rreluTrainBackward(x, x, unchecked(undefined)),
  'a unit whose channels do not match': of =>
    of.preluUnitForward(unit, x, { layout: { outer: 1, channels: 4, inner: 1 } }),
  'a unit without a layout': of => of.preluUnitForward(unit, x),
  'a unit, backward without a layout': of => of.preluUnitBackward(unit, x, x),
  'a unit, dy of another length': of => of.preluUnitBackward(unit, x, new Float32Array(3), { layout: two }),
  'mask and output, a slope of 0': of =>
    of.preluBackwardFromMaskAndOutput(Uint8Array.of(1), x, x, [0.5, 0], { layout: two }),
  'mask and output, a slope that float32 rounds to 0': of =>
    of.preluBackwardFromMaskAndOutput(Uint8Array.of(1), x, x, 1e-60),
  'mask and output, a mask of another length': of => of.preluBackwardFromMaskAndOutput(new Uint8Array(2), x, x, 0.5),
  'mask and output, dy of another length': of =>
    of.preluBackwardFromMaskAndOutput(Uint8Array.of(1), x, new Float32Array(3), 0.5),
  'mask and output, dx over the mask': of =>
    of.preluBackwardFromMaskAndOutput(new Uint8Array(shared.buffer, 4, 1), x, x, 0.5, { out: shared.subarray(0, 4) }),
  'a mask of another length': of => of.preluBackwardFromMask(new Uint8Array(2), x, 0.25),
  'a mask of another kind': of => of.preluBackwardFromMask(unchecked([1]), x, 0.25),
};

test.each(Object.keys(calls))('%s is refused with the message of the definition', name => {
  const call = calls[name]!;
  const message = refusal(() => call(defined));
  expect(message).not.toBe('nothing thrown');
  expect(refusal(() => call(kernels))).toBe(message);
});

/** The functions that are in both. */
const sharedNames = Object.keys(kernels).filter(name => name in definition) as (keyof typeof kernels)[];

test('every function that is in both is called above, and a message begins with its name', () => {
  const called = new Set<string>();
  for (const call of Object.values(calls)) {
    const names: string[] = [];
    const noting = new Proxy(kernels, {
      get(of, name) {
        names.push(String(name));
        return Reflect.get(of, name);
      },
    });
    const message = refusal(() => call(noting));
    expect(message.startsWith(`${names.at(-1)}: `), message).toBe(true);
    called.add(names.at(-1) as string);
  }
  expect(sharedNames.filter(name => !called.has(name))).toEqual([]);
});

test.each(sharedNames)('%s refuses what is no array, by its name', name => {
  const first = name.startsWith('preluUnit') ? unit : name.includes('FromMask') ? Uint8Array.of(1) : 'x';
  const call = Reflect.get(kernels, name) as (...values: unknown[]) => unknown;
  const options = name.startsWith('rreluTrain') ? { seed: 1 } : undefined;
  const values =
    name === 'rreluTrain' || name === 'rrelu' || name === 'leakyRelu'
      ? [first, options]
      : [first, 'x', name === 'rreluTrainBackward' ? options : 0.5, 0.5];
  expect(refusal(() => call(...values))).toMatch(new RegExp(`^${name}: (x|y|dy) must be a Float32Array, got 'x'$`));
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

test.each([undefined, 'scalar', 'js', 'simd'] as const)(
  'the gradient of a bias, path %s, refuses as the others',
  path => {
    const refused = (...[of, bias, dy, slopes, options]: Parameters<typeof kernels.preluBiasBackward>) =>
      refusal(() => kernels.preluBiasBackward(of, bias, dy, slopes, { ...options, path }));
    expect(refused(x, [1, 2, 3], x, 0.25, { layout: two })).toBe(
      'preluBiasBackward: bias must have length 2 (channels), got 3',
    );
    expect(refused(x, [1, 2], x, 0.25)).toBe(
      'preluBiasBackward: bias must have length 1 (shared) or 4 (one for each element of x) where no layout is given, got 2',
    );
    expect(refused(x, [1, Number.NaN], x, 0.25, { layout: two })).toBe(
      'preluBiasBackward: bias must be finite in float32, got NaN (channel 1)',
    );
    expect(refused(x, unchecked('0.25'), x, 0.25)).toMatch(/^preluBiasBackward: bias must be /);
    expect(refused(unchecked([1]), 0, x, 0.25)).toBe('preluBiasBackward: x must be a Float32Array, got Array');
    expect(refused(x, 0, unchecked(new Float64Array(4)), 0.25)).toBe(
      'preluBiasBackward: dy must be a Float32Array, got Float64Array',
    );
    const others: Record<string, Parameters<typeof kernels.preluBackward>> = {
      'dy of another length': [x, new Float32Array(3), 0.25],
      'slopes of another length': [x, x, [1, 2, 3], { layout: two }],
      'a slope that is NaN': [x, x, Number.NaN],
      'a layout that does not fit': [x, x, 0.25, { layout: { outer: 2, channels: 2, inner: 2 } }],
      'an unknown atZero': [x, x, 0.25, { atZero: unchecked('two') }],
      'an out of another kind': [x, x, 0.25, { out: unchecked(new Float64Array(4)) }],
      'an out of another length': [x, x, 0.25, { out: new Float32Array(3) }],
      'dx that overlaps dy in part': [x, shared.subarray(0, 4), 0.25, { out: shared.subarray(2, 6) }],
      'dx that overlaps x in part': [shared.subarray(0, 4), x, 0.25, { out: shared.subarray(2, 6) }],
      'a detached x': [detached(), x, 0.25],
    };
    for (const [name, [values, dy, slopes, options]] of Object.entries(others)) {
      const message = refusal(() => definition.preluBackward(values, dy, slopes, options));
      expect(message).not.toBe('nothing thrown');
      expect(refused(values, 0, dy, slopes, options), name).toBe(message.replace('preluBackward', 'preluBiasBackward'));
    }
  },
);

test('the gradient of a bias refuses a path that there is not, or that cannot be taken', () => {
  expect(refusal(() => kernels.preluBiasBackward(x, 0, x, 0.25, { path: unchecked('gpu') }))).toBe(
    "preluBiasBackward: path must be 'scalar', 'js', 'simd' or 'threads', got 'gpu'",
  );
  expect(refusal(() => kernels.preluBiasBackward(x, 0, x, 0.25, { path: 'threads' }))).toBe(
    "preluBiasBackward: path must not be 'threads' unless all arrays are allocated in one KernelMemory with threads, got 'threads'",
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
    "prelu: path must not be 'threads' with so many channels (20000), got 'threads'",
  );
  expect(refusal(() => kernels.preluBias(held, slopes, 0.25, { layout, out: held, path: 'threads' }))).toBe(
    "preluBias: path must not be 'threads' with so many channels (20000), got 'threads'",
  );
  memory.close();
});

test('empty arrays are fine', () => {
  const none = new Float32Array(0);
  for (const path of [undefined, 'scalar', 'js', 'simd'] as const) {
    expect(kernels.prelu(none, 0.25, { path }).length).toBe(0);
    expect(Array.from(kernels.preluBackward(none, none, 0.25, { path }).dslopes)).toEqual([0]);
    const layout = { outer: 0, channels: 3, inner: 1 };
    for (const [bias, slopes, options, dbiases, dslopes] of [
      [0, 0.25, {}, [0], [0]],
      [[1, 2, 3], 0.25, { layout }, [0, 0, 0], [0]],
      [1, [1, 2, 3], { layout }, [0], [0, 0, 0]],
      [[], 0.25, {}, [], [0]],
      [0, [], {}, [0], []],
    ] as const) {
      const got = kernels.preluBiasBackward(none, bias, none, slopes, { ...options, path });
      expect([got.dx.length, Array.from(got.dbiases), Array.from(got.dslopes)]).toEqual([0, dbiases, dslopes]);
    }
    expect(kernels.signMask(none, { path }).length).toBe(0);
  }
});
