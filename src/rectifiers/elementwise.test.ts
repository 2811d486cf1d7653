import { Float16Array } from '@petamoriken/float16';
import fc from 'fast-check';
import { describe, expect, expectTypeOf, test } from 'vitest';
import {
  celu,
  type Elements,
  elu,
  gelu,
  leakyRelu,
  leakyReluDerivative,
  relu,
  rrelu,
  selu,
  silu,
  thresholdedRelu,
} from './index.js';

describe('kinds', () => {
  test('a number gives a number, an array the same kind of array', () => {
    expect(leakyRelu(-2)).toBe(-0.02);
    expect(leakyRelu([-2, 3])).toEqual([-0.02, 3]);
    expect(leakyRelu(Float64Array.of(-2, 3))).toEqual(Float64Array.of(-0.02, 3));
    expect(leakyRelu(Float32Array.of(-2, 3))).toEqual(Float32Array.of(-0.02, 3));
    expectTypeOf(leakyRelu(-2)).toEqualTypeOf<number>();
    expectTypeOf(leakyRelu([-2])).toEqualTypeOf<number[]>();
    expectTypeOf(leakyRelu([-2] as const)).toEqualTypeOf<number[]>();
    expectTypeOf(leakyRelu(new Float32Array(1))).toEqualTypeOf<Float32Array<ArrayBuffer>>();
    expectTypeOf(leakyRelu(new Float64Array(1))).toEqualTypeOf<Float64Array<ArrayBuffer>>();
  });

  test('Float16Array, native or ponyfilled, with one rounding', () => {
    const x = new Float16Array([-2, 3, 0.1]);
    const y = leakyRelu(x, { negativeSlope: 0.1 });
    expect(y).toBeInstanceOf(Float16Array);
    expect([...y]).toEqual([...new Float16Array([-0.2, 3, 0.1])]);
    const out = new Float16Array(3);
    expect(leakyRelu(x, { negativeSlope: 0.1, out })).toBe(out);
    expect([...out]).toEqual([...y]);
    leakyRelu(x, { negativeSlope: 0.1, out: x });
    expect([...x]).toEqual([...y]);
  });

  test('a Float32Array is computed as float32 arithmetic would: parameters are rounded first, products once', () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true }), fc.double({ min: -3, max: 3, noNaN: true }), (x, negativeSlope) => {
        fc.pre(negativeSlope === 0 || Math.abs(negativeSlope) > 1e-40);
        const single = Math.fround(negativeSlope);
        const wanted = x > 0 ? x : Math.fround(single * x);
        expect(leakyRelu(Float32Array.of(x), { negativeSlope })[0]).toBe(wanted);
      }),
    );
  });

  test('empty, one element, odd lengths, views at an offset, shared memory', () => {
    expect(relu([])).toEqual([]);
    expect(relu(new Float32Array(0))).toEqual(new Float32Array(0));
    expect(relu(Float32Array.of(-1))).toEqual(Float32Array.of(0));
    const backing = Float32Array.from({ length: 9 }, (_, i) => i - 4);
    expect(relu(backing.subarray(1, 8))).toEqual(Float32Array.of(0, 0, 0, 0, 1, 2, 3));
    const shared = new Float32Array(new SharedArrayBuffer(8));
    shared.set([-1, 2]);
    expect(Array.from(relu(shared, { out: shared }))).toEqual([0, 2]);
  });

  test('other kinds are refused', () => {
    const bad = (x: unknown, message: string) => expect(() => relu(x as Elements)).toThrow(new TypeError(message));
    const must = 'relu: x must be an array of numbers, Float16Array, Float32Array or Float64Array, got';
    bad(Int32Array.of(1), `${must} Int32Array`);
    bad(new DataView(new ArrayBuffer(4)), `${must} DataView`);
    bad(null, `${must} null`);
    bad(undefined, `${must} undefined`);
    bad('2', `${must} '2'`);
    bad(2n, `${must} 2`);
    bad([1, [2]], 'relu: x[1] must be a number, got Array');
    bad([1, '2'], "relu: x[1] must be a number, got '2'");
    bad(new Array(1), 'relu: x[0] must be a number, got undefined');
  });
});

describe('out', () => {
  test('takes the result, in place too', () => {
    const out = new Float32Array(2);
    expect(relu(Float32Array.of(-1, 2), { out })).toBe(out);
    expect(out).toEqual(Float32Array.of(0, 2));
    const x = Float64Array.of(-1, 2);
    expect(leakyReluDerivative(x, { negativeSlope: 0.5, out: x })).toBe(x);
    expect(x).toEqual(Float64Array.of(0.5, 1));
    const list = [-1, 2];
    expect(relu(list, { out: list })).toBe(list);
    expect(list).toEqual([0, 2]);
    const twin = new Float64Array(x.buffer);
    expect(relu(x, { out: twin })).toBe(twin);
  });

  test('in the same memory beside the input is no overlap', () => {
    const memory = Float32Array.of(-1, 2, 9, 9);
    relu(memory.subarray(0, 2), { out: memory.subarray(2) });
    expect(memory).toEqual(Float32Array.of(-1, 2, 0, 2));
  });

  test('of another kind, length or overlapping in part is refused', () => {
    const memory = new Float32Array(8);
    const x = memory.subarray(0, 4);
    expect(() => relu(x, { out: memory.subarray(1, 5) })).toThrow(
      new RangeError('relu: out must be x itself or not overlap it, got bytes 4 to 20 beside 0 to 16'),
    );
    expect(() => relu(x, { out: new Float32Array(3) })).toThrow(
      new RangeError('relu: out must have length 4 (that of x), got 3'),
    );
    expect(() => relu(x, { out: new Float64Array(4) as never })).toThrow(
      new TypeError('relu: out must be of the kind of x (Float32Array), got Float64Array'),
    );
    expect(() => relu([1], { out: new Float64Array(1) as never })).toThrow(
      new TypeError('relu: out must be of the kind of x (Array), got Float64Array'),
    );
    expect(() => relu(1, { out: new Float64Array(1) as never })).toThrow(
      new TypeError('relu: out must be left out where x is a number'),
    );
  });

  test('half-precision views that overlap in part are refused', () => {
    const buffer = new ArrayBuffer(8);
    const [x, out] = [new Float16Array(buffer, 0, 3), new Float16Array(buffer, 2, 3)];
    expect(() => relu(x, { out })).toThrow('relu: out must be x itself or not overlap it');
  });

  test.each([
    [() => leakyRelu(-1, { slope: 0.5 } as object), 'leakyRelu: options must give negativeSlope, got slope'],
    [() => elu(-1, { negativeSlope: 0.5 } as object), 'elu: options must give alpha, got negativeSlope'],
    [() => celu([-1], { out: [0], a: 0.5 } as object), 'celu: options must give alpha, got a'],
    [() => selu(-1, { alpha: 2, gamma: 1 } as object), 'selu: options must give alpha or lambda, got gamma'],
    [() => silu(-1, { alpha: 2 } as object), 'silu: options must give beta, got alpha'],
    [
      () => rrelu(-1, { lowr: 0.5 } as object),
      'rrelu: options must give lower or upper or convention or seed or stream or offset, got lowr',
    ],
    [() => thresholdedRelu(-1, { alpha: 2 } as object), 'thresholdedRelu: options must give theta, got alpha'],
  ])('%s: a misspelled parameter is refused', (call, message) => {
    expect(call).toThrow(new TypeError(message));
  });

  test('options left undefined are not there', () => {
    expect(leakyRelu(-1, { negativeSlope: undefined, slope: undefined } as object)).toBe(-0.01);
  });

  test('detached buffers are refused', () => {
    const [x, out] = [new Float32Array(2), new Float32Array(2)];
    structuredClone(0, { transfer: [out.buffer] });
    expect(() => relu(x, { out })).toThrow(
      new TypeError('relu: out must not be detached, got a detached Float32Array'),
    );
    structuredClone(0, { transfer: [x.buffer] });
    expect(() => relu(x)).toThrow(new TypeError('relu: x must not be detached, got a detached Float32Array'));
  });
});

test('every loop gives what the function gives for one number', () => {
  const x = Float64Array.of(-Infinity, -800, -3, -1, -5e-324, -0, 0, 5e-324, 0.5, 3, 6, 800, Infinity, NaN);
  for (const f of [relu, leakyRelu, gelu, silu]) expect(Array.from(f(x))).toEqual(Array.from(x, element => f(element)));
});
