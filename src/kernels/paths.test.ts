import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import * as definition from '../rectifiers/index.js';
import {
  KernelMemory,
  type Layout,
  leakyRelu,
  type Path,
  type PreluBiasGradients,
  type PreluGradients,
  prelu,
  preluBackward,
  preluBackwardFromMask,
  preluBackwardFromMaskAndOutput,
  preluBackwardFromOutput,
  preluBias,
  preluBiasBackward,
  relu,
  reluBackward,
  signMask,
} from './index.js';

const special = [
  0,
  -0,
  1,
  -1,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  1e-45,
  -1e-45,
  -3e-45,
  1.1754942e-38,
  -1.1754942e-38,
  3.4028234e38,
  -3.4028234e38,
  -0.1,
  0.3,
];
const slopeValues = [0, -0, 0.25, 1, 0.999, 1.5, 3e38, 1e-45, 1e-30, -0.5, -1, -2];
const solo: Path[] = ['js', 'simd'];

/** The bits, with every NaN the same. */
const bits = (values: Float32Array) =>
  Array.from(new Uint32Array(values.slice().buffer), (word, i) => (Number.isNaN(values[i]) ? 'NaN' : word));
const same = (got: Float32Array, want: Float32Array) => expect(bits(got)).toEqual(bits(want));

/** Within 1e-6 of what would be added up without signs; infinities and NaN exactly. */
function close(got: Float64Array, want: Float64Array, sizes: Float64Array) {
  expect(got.length).toBe(want.length);
  const off = want.findIndex((value, c) =>
    Number.isFinite(value) ? !(Math.abs(got[c]! - value) <= 1e-6 * sizes[c]!) : !Object.is(got[c], value),
  );
  expect(off < 0 ? 'close' : `channel ${off}: ${got[off]} instead of ${want[off]}`).toBe('close');
}

/** Σ |dy * min(x, 0)| by channel. */
const sizesOf = (x: Float32Array, dy: Float32Array, slopes: definition.Slopes, layout: Layout | undefined) =>
  definition
    .preluBackward(
      x.map(value => Math.min(value, 0)),
      dy.map(Math.abs),
      slopes,
      { layout },
    )
    .dslopes.map(Math.abs);

function closeGradients(got: PreluGradients<Float32Array>, want: PreluGradients<Float32Array>, sizes: Float64Array) {
  same(got.dx, want.dx);
  close(got.dslopes, want.dslopes, sizes);
}

/** What adding up dx and nothing else gives by channel: dx of each element, or its size. */
function added(values: Float32Array, { channels, inner }: Layout): Float64Array {
  const sums = new Float64Array(channels);
  for (let i = 0; i < values.length; i++) sums[Math.floor(i / inner) % channels]! += values[i]!;
  return sums;
}

const all = (length: number): Layout => ({ outer: 1, channels: 1, inner: length });

/** Gradients of `preluBias` by the definition of `preluBackward`, with what their sums may be off by. */
function biasGradients(
  x: Float32Array,
  bias: readonly number[] | Float32Array,
  dy: Float32Array,
  slopes: definition.Slopes,
  layout: Layout,
  atZero?: definition.AtZero,
) {
  const { channels, inner } = layout;
  const biasLayout = bias.length === 1 ? all(x.length) : layout;
  const values = x.map(
    (value, i) => value + Math.fround(bias[bias.length === 1 ? 0 : Math.floor(i / inner) % channels]!),
  );
  const { dx, dslopes } = definition.preluBackward(values, dy, slopes, { layout, atZero });
  return {
    want: { dx, dslopes, dbiases: added(dx, biasLayout) },
    sizes: { slopes: sizesOf(values, dy, slopes, layout), biases: added(dx.map(Math.abs), biasLayout) },
  };
}

function closeBiasGradients(
  got: PreluBiasGradients<Float32Array>,
  { want, sizes }: ReturnType<typeof biasGradients>,
): void {
  closeGradients(got, want, sizes.slopes);
  close(got.dbiases, want.dbiases, sizes.biases);
}

const memory = new KernelMemory({ bytes: 2 ** 24 });
const crew = new KernelMemory({ bytes: 2 ** 24, threads: 3 });
afterAll(() => crew.close());

/** The values in a view that begins `offset` elements into its buffer. */
function shifted(values: ArrayLike<number>, offset: number): Float32Array {
  const view = new Float32Array(values.length + offset).subarray(offset);
  view.set(values);
  return view;
}

function held<T>(place: KernelMemory, count: number, length: number, use: (...arrays: Float32Array[]) => T): T {
  const arrays = Array.from({ length: count }, () => place.allocate(length));
  try {
    return use(...arrays);
  } finally {
    for (const array of arrays) place.free(array);
  }
}

/** A tensor with special values, its upstream gradient, slopes, biases and layout. */
const cases = fc
  .record({
    outer: fc.integer({ min: 0, max: 9 }),
    channels: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 40 })),
    inner: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 90 })),
    offset: fc.integer({ min: 0, max: 3 }),
    kind: fc.constantFrom('shared', 'channel'),
    atZero: fc.constantFrom(undefined, 'slope' as const, 'one' as const, 'half' as const),
    positive: fc.boolean(),
  })
  .chain(({ outer, channels, inner, offset, kind, atZero, positive }) => {
    const length = outer * channels * inner;
    const number = fc.oneof(fc.constantFrom(...special), fc.float({ min: -4, max: 4, noNaN: true }));
    const slope = fc.oneof(
      fc.constantFrom(...slopeValues.filter(value => !positive || Math.fround(value) > 0)),
      fc.float({ min: positive ? Math.fround(0.01) : -2, max: 2, noNaN: true }),
    );
    const bias = fc.oneof(fc.constantFrom(0, -0, 1e-45, -1, 3e38), fc.float({ min: -2, max: 2, noNaN: true }));
    const array = fc.array(number, { minLength: length, maxLength: length });
    return fc.record({
      layout: fc.constant({ outer, channels, inner }),
      x: array.map(values => shifted(values, offset)),
      dy: array.map(values => shifted(values, (offset * 2) % 3)),
      slopes: fc.array(slope, {
        minLength: kind === 'shared' ? 1 : channels,
        maxLength: kind === 'shared' ? 1 : channels,
      }),
      biases: fc.array(bias, { minLength: channels, maxLength: channels }),
      atZero: fc.constant(atZero),
    });
  });

const runs = { numRuns: 100 };

describe.each(solo)('%s', path => {
  test('forward is bit-equal to the definition', () => {
    fc.assert(
      fc.property(cases, ({ x, slopes, layout }) => {
        const want = definition.prelu(x, slopes, { layout });
        same(prelu(x, slopes, { layout, path }), want);
        same(prelu(x, Float32Array.from(slopes), { layout, path }), want);
        same(prelu(x.slice(), slopes, { layout, path, out: shifted(x, 1) }), want);
        const inPlace = x.slice();
        expect(prelu(inPlace, slopes, { layout, path, out: inPlace })).toBe(inPlace);
        same(inPlace, want);
      }),
      runs,
    );
  });

  test('one slope: leaky ReLU and ReLU are bit-equal to the definition', () => {
    fc.assert(
      fc.property(cases, ({ x, slopes: [negativeSlope] }) => {
        same(leakyRelu(x, { negativeSlope, path }), definition.leakyRelu(x, { negativeSlope }));
        same(relu(x, { path }), definition.relu(x));
      }),
      runs,
    );
  });

  test('ReLU backward is bit-equal to the definition, infinite gradients too', () => {
    fc.assert(
      fc.property(cases, ({ x, dy }) => {
        const want = definition.reluBackward(x, dy);
        same(reluBackward(x, dy, { path }), want);
        const [over, beside] = [dy.slice(), x.slice()];
        same(reluBackward(x, over, { path, out: over }), want);
        same(reluBackward(beside, dy, { path, out: beside }), want);
        expect(want.every((value, i) => x[i]! > 0 || Object.is(value, 0))).toBe(true);
      }),
      runs,
    );
  });

  test('bias and rectifier in one pass are bit-equal to two', () => {
    fc.assert(
      fc.property(cases, ({ x, slopes, biases, layout }) => {
        const { channels, inner } = layout;
        const sums = x.map((value, i) => value + Math.fround(biases[Math.floor(i / inner) % channels]!));
        const want = definition.prelu(sums, slopes, { layout });
        same(preluBias(x, biases, slopes, { layout, path }), want);
        same(preluBias(x, biases, slopes, { layout, path: 'scalar' }), want);
        const shared = definition.prelu(
          x.map(value => value + Math.fround(biases[0]!)),
          slopes,
          { layout },
        );
        same(preluBias(x, biases[0]!, slopes, { layout, path }), shared);
      }),
      runs,
    );
  });

  test('backward is bit-equal in dx and within 1e-6 in dslopes', () => {
    fc.assert(
      fc.property(cases, ({ x, dy, slopes, layout, atZero }) => {
        const want = definition.preluBackward(x, dy, slopes, { layout, atZero });
        const sizes = sizesOf(x, dy, slopes, layout);
        closeGradients(preluBackward(x, dy, slopes, { layout, atZero, path }), want, sizes);
        const [over, beside] = [dy.slice(), x.slice()];
        closeGradients(preluBackward(x, over, slopes, { layout, atZero, path, out: over }), want, sizes);
        closeGradients(preluBackward(beside, dy, slopes, { layout, atZero, path, out: beside }), want, sizes);
      }),
      runs,
    );
  });

  test('backward of bias and rectifier is bit-equal in dx and within 1e-6 in dslopes and dbiases', () => {
    fc.assert(
      fc.property(cases, ({ x: any, dy, slopes, biases, layout, atZero }) => {
        const { channels, inner } = layout;
        // Every third sum is at the kink.
        const x = any.map((value, i) => (i % 3 === 0 ? -biases[Math.floor(i / inner) % channels]! : value));
        const options = { layout, atZero, path };
        const gradients = biasGradients(x, biases, dy, slopes, layout, atZero);
        closeBiasGradients(preluBiasBackward(x, biases, dy, slopes, options), gradients);
        closeBiasGradients(preluBiasBackward(x, biases, dy, slopes, { ...options, path: 'scalar' }), gradients);
        const [over, beside] = [dy.slice(), x.slice()];
        closeBiasGradients(preluBiasBackward(x, biases, over, slopes, { ...options, out: over }), gradients);
        closeBiasGradients(preluBiasBackward(beside, biases, dy, slopes, { ...options, out: beside }), gradients);
        const shared = biasGradients(x, biases.slice(0, 1), dy, slopes, layout, atZero);
        closeBiasGradients(preluBiasBackward(x, biases[0]!, dy, slopes, options), shared);
        closeBiasGradients(preluBiasBackward(x, biases[0]!, dy, slopes, { ...options, path: 'scalar' }), shared);
      }),
      runs,
    );
  });

  test('backward from the output', () => {
    fc.assert(
      fc.property(cases, ({ x, dy, slopes: any, layout, atZero }) => {
        const slopes = any.map(slope => (Math.fround(slope) > 0 ? slope : 0.25));
        const y = definition.prelu(x, slopes, { layout });
        const want = definition.preluBackwardFromOutput(y, dy, slopes, { layout, atZero });
        const per = slopes.map(Math.fround);
        const sizes = sizesOf(y, dy, slopes, layout).map((size, c) => size / per[c]!);
        closeGradients(preluBackwardFromOutput(y, dy, slopes, { layout, atZero, path }), want, sizes);
      }),
      runs,
    );
  });

  test('sign mask and backward from it', () => {
    fc.assert(
      fc.property(cases, ({ x, dy, slopes, layout }) => {
        const mask = signMask(x, { path });
        expect(mask).toEqual(definition.signMask(x));
        same(
          preluBackwardFromMask(mask, dy, slopes, { layout, path }),
          definition.preluBackwardFromMask(mask, dy, slopes, { layout }),
        );
      }),
      runs,
    );
  });
});

describe.each(solo)('%s', path => {
  test('backward from mask and output, for slopes of either sign', () => {
    fc.assert(
      fc.property(cases, ({ x, dy, slopes: any, layout }) => {
        const slopes = any.map(slope => (Math.fround(slope) === 0 ? -0.25 : slope));
        const y = definition.prelu(x, slopes, { layout });
        const mask = definition.signMask(x);
        const want = definition.preluBackwardFromMaskAndOutput(mask, y, dy, slopes, { layout });
        const sizes = definition
          .preluBackwardFromMaskAndOutput(mask, y.map(Math.abs), dy.map(Math.abs), slopes, { layout })
          .dslopes.map(Math.abs);
        closeGradients(preluBackwardFromMaskAndOutput(mask, y, dy, slopes, { layout, path }), want, sizes);
        const [over, beside] = [dy.slice(), y.slice()];
        closeGradients(preluBackwardFromMaskAndOutput(mask, y, over, slopes, { layout, path, out: over }), want, sizes);
        closeGradients(
          preluBackwardFromMaskAndOutput(mask, beside, dy, slopes, { layout, path, out: beside }),
          want,
          sizes,
        );
      }),
      runs,
    );
  });
});

/** A repeatable number from -1 to 1 for each index. */
const noise = (length: number, seed: number): Float32Array =>
  Float32Array.from({ length }, (_, i) => 2 * ((Math.sin(12.9898 * i + seed) * 43758.5453) % 1));

/** Layouts that reach across chunks, keep their parameters in the memory or bring them along, and have rows and runs of all sizes. */
const large: readonly Layout[] = [
  { outer: 1, channels: 1, inner: 600_001 },
  { outer: 3, channels: 5, inner: 40_001 },
  { outer: 100_003, channels: 3, inner: 1 },
  { outer: 5000, channels: 13, inner: 7 },
  { outer: 131, channels: 4099, inner: 1 },
  { outer: 17, channels: 20_011, inner: 1 },
  { outer: 3, channels: 20_011, inner: 9 },
  { outer: 1, channels: 300_007, inner: 1 },
];

describe.each(large)('$outer x $channels x $inner', layout => {
  const length = layout.outer * layout.channels * layout.inner;
  const [x, dy] = [noise(length, 1), noise(length, 2)];
  const slopes = noise(layout.channels, 3);
  const biases = noise(layout.channels, 4);
  const mask = definition.signMask(x);
  const want = {
    forward: definition.prelu(x, slopes, { layout }),
    backward: definition.preluBackward(x, dy, slopes, { layout }),
    mask: definition.preluBackwardFromMask(mask, dy, slopes, { layout }),
    biased: biasGradients(x, biases, dy, slopes, layout),
    biasedAtOne: biasGradients(x, [0.25], dy, 0.5, layout, 'one'),
    sizes: sizesOf(x, dy, slopes, layout),
  };
  const matches = (got: Float32Array, expected: Float32Array) =>
    expect(Buffer.compare(Buffer.from(got.slice().buffer), Buffer.from(expected.slice().buffer))).toBe(0);

  const matchesBiased = (got: PreluBiasGradients<Float32Array>, { want, sizes }: ReturnType<typeof biasGradients>) => {
    matches(got.dx, want.dx);
    close(got.dslopes, want.dslopes, sizes.slopes);
    close(got.dbiases, want.dbiases, sizes.biases);
  };

  test.each([undefined, ...solo])('arrays from anywhere, path %s', path => {
    matchesBiased(preluBiasBackward(x, biases, dy, slopes, { layout, path }), want.biased);
    matchesBiased(preluBiasBackward(x, 0.25, dy, 0.5, { layout, path, atZero: 'one' }), want.biasedAtOne);
    matches(prelu(x, slopes, { layout, path }), want.forward);
    matches(preluBias(x, 0, slopes, { layout, path }), want.forward);
    const { dx, dslopes } = preluBackward(x, dy, slopes, { layout, path });
    matches(dx, want.backward.dx);
    close(dslopes, want.backward.dslopes, want.sizes);
    expect(Buffer.compare(signMask(x, { path }), mask)).toBe(0);
    matches(preluBackwardFromMask(mask, dy, slopes, { layout, path }), want.mask);
    const both = preluBackwardFromMaskAndOutput(mask, want.forward, dy, slopes, { layout, path });
    matches(both.dx, want.mask);
    close(both.dslopes, want.backward.dslopes, want.sizes);
  });

  test('arrays in a memory, in place', () => {
    held(memory, 2, length, (x1, dy1) => {
      x1!.set(x);
      dy1!.set(dy);
      const { dx, dslopes } = preluBackward(x1!, dy1!, slopes, { layout, out: dy1! });
      matches(dx, want.backward.dx);
      close(dslopes, want.backward.dslopes, want.sizes);
      dy1!.set(dy);
      matchesBiased(preluBiasBackward(x1!, biases, dy1!, slopes, { layout, out: dy1! }), want.biased);
      dy1!.set(dy);
      matchesBiased(preluBiasBackward(x1!, biases, dy1!, slopes, { layout, out: x1! }), want.biased);
      x1!.set(x);
      matches(prelu(x1!, slopes, { layout, out: x1! }), want.forward);
      matches(preluBackwardFromMask(mask, dy1!, slopes, { layout, out: dy1! }), want.mask);
    });
  });

  test('one array in a memory, the others from elsewhere', () => {
    held(memory, 1, length, x1 => {
      x1!.set(x);
      const { dx, dslopes } = preluBackward(x1!, dy, slopes, { layout });
      matches(dx, want.backward.dx);
      close(dslopes, want.backward.dslopes, want.sizes);
      matchesBiased(preluBiasBackward(x1!, biases, dy, slopes, { layout }), want.biased);
      matches(prelu(x, slopes, { layout, out: x1! }), want.forward);
    });
  });

  test('several threads', () => {
    held(crew, 3, length, (x1, dy1, out) => {
      x1!.set(x);
      dy1!.set(dy);
      for (const path of layout.channels <= 2 ** 14 ? (['threads', undefined] as const) : [undefined]) {
        const { dx, dslopes } = preluBackward(x1!, dy1!, slopes, { layout, out: out!, path });
        matches(dx, want.backward.dx);
        close(dslopes, want.backward.dslopes, want.sizes);
        matches(prelu(x1!, slopes, { layout, out: out!, path }), want.forward);
        matches(preluBias(x1!, 0, slopes, { layout, out: out!, path }), want.forward);
        matchesBiased(preluBiasBackward(x1!, biases, dy1!, slopes, { layout, out: out!, path }), want.biased);
        matchesBiased(
          preluBiasBackward(x1!, 0.25, dy1!, 0.5, { layout, out: out!, path, atZero: 'one' }),
          want.biasedAtOne,
        );
        matches(relu(x1!, { out: out!, path }), definition.relu(x));
        matches(reluBackward(x1!, dy1!, { out: out!, path }), definition.reluBackward(x, dy));
      }
    });
  });
});

test('with as many channels as stay in the memory and whole blocks, no thread writes into the sums of another', () => {
  const layout = { outer: 1, channels: 2 ** 14, inner: 192 };
  const length = layout.channels * layout.inner;
  const [x, dy] = [noise(length, 1), noise(length, 2)];
  const place = new KernelMemory({ bytes: 2 * 4 * length, threads: 2 });
  held(place, 2, length, (x1, dy1) => {
    x1!.set(x);
    dy1!.set(dy);
    const [biases, slopes] = [new Float32Array(layout.channels), noise(layout.channels, 3)];
    const want = preluBiasBackward(x, biases, dy, slopes, { layout, path: 'js' });
    const got = preluBiasBackward(x1!, biases, dy1!, slopes, { layout, path: 'threads', out: dy1! });
    expect(Buffer.compare(Buffer.from(got.dx.slice().buffer), Buffer.from(want.dx.buffer))).toBe(0);
    close(got.dslopes, want.dslopes, sizesOf(x, dy, slopes, layout));
    close(got.dbiases, want.dbiases, added(want.dx.map(Math.abs), layout));
  });
  place.close();
});

test('results have the type of the arrays they are made for', () => {
  const x = Float32Array.of(-1, 2);
  const y: Float32Array<ArrayBuffer> = prelu(x, 0.5);
  const { dx }: PreluGradients<Float32Array<ArrayBuffer>> = preluBackward(x, x, 0.5);
  const biased: PreluBiasGradients<Float32Array<ArrayBuffer>> = preluBiasBackward(x, 0, x, 0.5);
  const rectified: Float32Array<ArrayBuffer>[] = [relu(x), leakyRelu(x), preluBias(x, 0, 0.5), reluBackward(x, x)];
  expect([y, dx, biased.dx, ...rectified].every(({ buffer }) => buffer instanceof ArrayBuffer)).toBe(true);
});

test('terms that overflow or underflow float32 are added up all the same', () => {
  const length = 4096;
  const cases: [number, number][] = [
    [-1e30, 1e20],
    [-1e-30, 1e-20],
    [-1e-45, 1e-45],
  ];
  for (const [value, gradient] of cases) {
    const x = new Float32Array(length).fill(value);
    const dy = new Float32Array(length).fill(gradient);
    const want = definition.preluBackward(x, dy, 0.25).dslopes[0]!;
    for (const path of solo)
      for (const out of [undefined, dy.slice(), x.slice()]) {
        const inputs = { dy: out?.[0] === dy[0] ? out! : dy, x: out?.[0] === x[0] ? out! : x };
        expect(preluBackward(inputs.x, inputs.dy, 0.25, { path, out }).dslopes[0]! / want).toBeCloseTo(1, 12);
      }
  }
});

test('sums of dx in which float32 overflows, cancels or has nothing to add are exact', () => {
  const gradients = [
    (i: number) => (i % 2 === 0 ? 3e38 : 1e38),
    (i: number) => (i % 2 === 0 ? 3e38 : -3e38),
    (i: number) => (i % 2 === 0 ? 1 : -1),
    (i: number) => (i % 2 === 0 ? 1e-45 : 3e-45),
    () => -0,
  ];
  const x = noise(4099, 1);
  for (const gradient of gradients)
    for (const path of [...solo, 'scalar'] as const) {
      const dy = x.map((_, i) => gradient(i));
      const { dx, dbiases } = preluBiasBackward(x, 0.5, dy, 1, { path });
      same(dx, dy);
      const sum = dy.reduce((total, value) => total + value, 0);
      expect(Math.abs(dbiases[0]! - sum)).toBeLessThanOrEqual(1e-12 * Math.abs(sum));
    }
});

test('where x, dy and out are one array sums are those of what was in it', () => {
  held(memory, 1, 1001, inMemory => {
    for (const z of [inMemory!, new Float32Array(1001)])
      for (const value of [-2, -1e-30, -1e30].map(Math.fround))
        for (const path of [...solo, 'scalar'] as const) {
          const dx = Math.fround(0.25 * value);
          const alone = preluBackward(z.fill(value), z, 0.25, { path, out: z });
          expect(z.every(passed => passed === dx)).toBe(true);
          expect(alone.dslopes[0]! / (1001 * value ** 2)).toBeCloseTo(1, 12);
          const { dslopes, dbiases } = preluBiasBackward(z.fill(value), 0, z, 0.25, { path, out: z });
          expect(dslopes[0]! / (1001 * value ** 2)).toBeCloseTo(1, 12);
          expect(dbiases[0]! / (1001 * dx)).toBeCloseTo(1, 6);
        }
  });
});

test('sums are within 1e-6 where every addition in float32 would lose what it adds', () => {
  for (const length of [192, 188, 176 + 12 + 3, 512, 5000])
    for (const [large, small] of [
      [1, 2 ** -24],
      [1 + 2 ** -23, 2 ** -24 * 1.999],
    ] as const) {
      const sizes = Float32Array.from({ length }, (_, i) => (i < 16 ? large : small));
      const sum = sizes.reduce((total, value) => total + value, 0);
      for (const path of solo) {
        const minus = sizes.map(value => -value);
        const ones = new Float32Array(length).fill(1);
        expect(Math.abs(preluBackward(minus, ones, 0.25, { path }).dslopes[0]! / sum + 1)).toBeLessThan(1e-6);
        const { dslopes, dbiases } = preluBiasBackward(minus, 0, sizes, 1, { path });
        const squares = sizes.reduce((total, value) => total + value ** 2, 0);
        expect(Math.abs(dslopes[0]! / squares + 1)).toBeLessThan(1e-6);
        expect(Math.abs(dbiases[0]! / sum - 1)).toBeLessThan(1e-6);
      }
    }
});

test('gradients of bias and rectifier are the differences of the loss', () => {
  // Sums on a grid of 1/4 but for the kink, and steps smaller than that: the loss is linear between them.
  const layout = { outer: 3, channels: 5, inner: 7 };
  const length = 105;
  const grid = (count: number, seed: number) => noise(count, seed).map(value => Math.round(value * 8) / 4);
  const [x, dy] = [grid(length, 1).map(value => value + 0.125), grid(length, 2)];
  const [biases, slopes] = [grid(5, 3), grid(5, 4)];
  const loss = (at: { x: Float64Array; biases: Float64Array; slopes: Float64Array }) =>
    definition
      .prelu(
        at.x.map((value, i) => value + at.biases[Math.floor(i / 7) % 5]!),
        at.slopes,
        { layout },
      )
      .reduce((sum, value, i) => sum + value * dy[i]!, 0);
  const point = { x: Float64Array.from(x), biases: Float64Array.from(biases), slopes: Float64Array.from(slopes) };
  const differences = (name: 'x' | 'biases' | 'slopes') =>
    Array.from(point[name], (value, i) => {
      const step = 2 ** -6;
      const [above, below] = [value + step, value - step].map(moved =>
        loss({ ...point, [name]: point[name].with(i, moved) }),
      );
      return (above! - below!) / (2 * step);
    });
  for (const path of [...solo, 'scalar'] as const) {
    const { dx, dslopes, dbiases } = preluBiasBackward(x, biases, dy, slopes, { layout, path });
    expect(Array.from(dx, value => value + 0)).toEqual(differences('x'));
    expect(Array.from(dslopes)).toEqual(differences('slopes'));
    expect(Array.from(dbiases)).toEqual(differences('biases'));
  }
});

test('a sum of 0 is 0 where nothing is added, and what underflows float32 where something is', () => {
  const length = 1000;
  const ones = new Float32Array(length).fill(1);
  const few = ones.slice();
  few[405] = -1e-30;
  const tiny = new Float32Array(length).fill(1e-20);
  for (const path of solo) {
    expect(preluBackward(ones, ones, 0.25, { path }).dslopes[0]).toBe(0);
    const minus = new Float32Array(length).fill(-1);
    expect(preluBackward(minus, new Float32Array(length), 0.25, { path }).dslopes[0]! + 0).toBe(0);
    for (const out of [undefined, few.slice(), tiny.slice()]) {
      const [x, dy] = [out?.[0] === 1 ? out : few, out?.[0] === tiny[0] ? out! : tiny];
      const want = few[405]! * tiny[405]!;
      expect(preluBackward(x!, dy, 0.25, { path, out }).dslopes[0]).toBe(want);
    }
  }
});

test('an infinite gradient does not reach the slope through inputs that are not negative', () => {
  const x = new Float32Array(100);
  const dy = new Float32Array(100).fill(Number.POSITIVE_INFINITY);
  for (const path of solo) expect(preluBackward(x, dy, 0.25, { path }).dslopes[0]).toBe(0);
});

test('a slope array in the bytes of out is read before it is overwritten', () => {
  const x = noise(40_000, 1);
  const layout = { outer: 2, channels: 20_000, inner: 1 };
  for (const path of solo) {
    const out = noise(40_000, 3);
    const slopes = out.subarray(7, 20_007);
    const want = definition.prelu(x, slopes.slice(), { layout });
    same(prelu(x, slopes, { layout, out, path }), want);
  }
});

test('dslopes of terms of one sign are within 1e-6 of the sum itself', () => {
  const numbers = fc.float({ min: Math.fround(1e-3), max: 1e3, noNaN: true });
  const arrays = fc
    .integer({ min: 1, max: 3000 })
    .chain(length =>
      fc.tuple(
        fc.array(numbers, { minLength: length, maxLength: length }),
        fc.array(numbers, { minLength: length, maxLength: length }),
      ),
    );
  fc.assert(
    fc.property(arrays, fc.constantFrom(-1, 1), fc.constantFrom(...solo), ([x, dy], sign, path) => {
      const values = Float32Array.from(x, value => -value);
      const gradients = Float32Array.from(dy, value => sign * value);
      const exact = values.reduce((sum, value, i) => sum + value * gradients[i]!, 0);
      const got = preluBackward(values, gradients, 0.25, { path }).dslopes[0]!;
      expect(Math.abs(got - exact)).toBeLessThanOrEqual(1e-6 * Math.abs(exact));
    }),
    runs,
  );
});

test.each([
  ['of its own', memory, ['simd', 'js'] as const],
  ['with threads', crew, ['simd', 'threads'] as const],
])('every length to 40 at every alignment in a memory %s', (_, place, paths) => {
  held(place, 3, 128, (xs, dys, outs) => {
    for (let length = 0; length <= 40; length++)
      for (let offset = 0; offset < 4; offset++) {
        const [x, dy, out] = [xs!, dys!, outs!].map((array, k) => array.subarray(offset + k, offset + k + length));
        x!.forEach((_, i) => {
          x![i] = special[(i * 7 + length + offset) % special.length]!;
          dy![i] = special[(i * 5 + length) % special.length]!;
        });
        const slope = slopeValues[(length + offset) % slopeValues.length]!;
        const want = definition.preluBackward(x!.slice(), dy!.slice(), slope);
        const forward = definition.prelu(x!.slice(), slope);
        const bias = [-0.3, 0, 1][length % 3]!;
        const biased = biasGradients(x!.slice(), [bias], dy!.slice(), slope, all(length));
        const dead = definition.reluBackward(x!.slice(), dy!.slice());
        for (const path of paths) {
          const before = outs!.fill(7).slice();
          same(prelu(x!, slope, { out: out!, path }), forward);
          same(preluBackward(x!, dy!, slope, { out: out!, path }).dx, want.dx);
          closeBiasGradients(preluBiasBackward(x!, bias, dy!, slope, { out: out!, path }), biased);
          same(reluBackward(x!, dy!, { out: out!, path }), dead);
          out!.fill(7);
          expect(outs).toEqual(before);
        }
      }
  });
});
