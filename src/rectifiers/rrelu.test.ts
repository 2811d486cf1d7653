import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { philox } from './philox.js';
import { rrelu, rreluDerivative, rreluRectifier, rreluTrain, rreluTrainBackward } from './rrelu.js';
import { rreluMeanSlope, rreluSlopes } from './rrelu-slopes.js';

const seeds = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });

test('Philox gives the known answers of its authors (Random123, kat_vectors)', () => {
  const hex = (numbers: Uint32Array) => Array.from(numbers, number => number.toString(16).padStart(8, '0')).join(' ');
  const ones = 0xffffffff;
  expect(hex(philox([0, 0, 0, 0], [0, 0]))).toBe('6627e8d5 e169c58d bc57ac4c 9b00dbd8');
  expect(hex(philox([ones, ones, ones, ones], [ones, ones]))).toBe('408f276d 41c83b0e a20bc7c6 6d5451fd');
  expect(hex(philox([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0]))).toBe(
    'd16cfe09 94fdcceb 5001e420 24126ea1',
  );
});

describe('training', () => {
  test('backward meets the slopes of forward, without their being stored', () => {
    fc.assert(
      fc.property(seeds, seeds, fc.array(fc.double({ noNaN: true }), { maxLength: 50 }), (seed, stream, xs) => {
        const x = Float32Array.from(xs);
        const ones = new Float32Array(x.length).fill(1);
        for (const convention of ['uniform', 'xu2015'] as const) {
          const options = { seed, stream, convention };
          const y = rreluTrain(x, options);
          const dx = rreluTrainBackward(x, ones, options);
          x.forEach((value, i) => {
            expect(y[i]).toBe(Math.fround(value * dx[i]!));
            if (value > 0) expect(dx[i]).toBe(1);
          });
        }
      }),
    );
  });

  test('the parts of a tensor give what the whole gives', () => {
    const x = new Float64Array(1000).fill(-1);
    const whole = rreluTrain(x, { seed: 3 });
    const parts = [rreluTrain(x.subarray(0, 333), { seed: 3 }), rreluTrain(x.subarray(333), { seed: 3, offset: 333 })];
    expect([...parts[0]!, ...parts[1]!]).toEqual([...whole]);
    expect(rreluSlopes(1000, { seed: 3 })).toEqual(whole.map(value => -value));
    expect(rreluTrain(-1, { seed: 3, offset: 7 })).toBe(whole[7]);
    const far = 2 ** 40 + 3;
    expect(rreluSlopes(5, { seed: 3, offset: far })[4]).toBe(rreluSlopes(1, { seed: 3, offset: far + 4 })[0]);
    expect(() => rreluSlopes(5, { seed: 3, offset: 2 ** 52 + 1 })).toThrow('offset must be at most 2^52');
  });

  test('slopes lie within their bounds and have the moments of their distribution', () => {
    const count = 200_000;
    const check = (
      options: Parameters<typeof rreluSlopes>[1],
      low: number,
      high: number,
      mean: number,
      square: number,
    ) => {
      const slopes = rreluSlopes(count, options);
      expect(slopes.every(slope => slope >= low && slope <= high)).toBe(true);
      const average = (f: (r: number) => number) => slopes.reduce((sum, r) => sum + f(r), 0) / count;
      expect(Math.abs(average(r => r) / mean - 1)).toBeLessThan(5e-3);
      expect(Math.abs(average(r => r * r) / square - 1)).toBeLessThan(5e-3);
    };
    check({ seed: 1 }, 1 / 8, 1 / 3, 0.22916666666666666, 0.05613425925925925);
    check({ seed: 1, convention: 'xu2015' }, 1 / 8, 1 / 3, 0.19616585060234523, 0.041666666666666664);
  });

  test('seeds and streams differ; float32 slopes stay in bounds', () => {
    const first = (options: Parameters<typeof rreluSlopes>[1]) => rreluSlopes(4, options).join();
    const all = [{ seed: 0 }, { seed: 1 }, { seed: 2 ** 32 }, { seed: 0, stream: 1 }, { seed: 0, stream: 2 ** 32 }];
    expect(new Set(all.map(first)).size).toBe(all.length);
    const y = rreluTrain(new Float32Array(50_000).fill(-1), { seed: 5, lower: 0.1, upper: 0.3 });
    expect(y.every(value => -value >= Math.fround(0.1) && -value <= Math.fround(0.3))).toBe(true);
    expect(rreluTrain([-1], { seed: 1, lower: 0.3, upper: 0.3 })).toEqual([-0.3]);
  });

  test('special values', () => {
    const y = rreluTrain([-Infinity, -0, 0, NaN, Infinity], { seed: 1 });
    expect(y).toEqual([-Infinity, -0, 0, NaN, Infinity]);
  });
});

test('evaluation uses the mean slope, as each convention has it', () => {
  expect(rreluMeanSlope()).toBe(0.22916666666666666);
  expect(rreluMeanSlope({ convention: 'xu2015' })).toBe(0.18181818181818182);
  expect(rrelu([-1, 2])).toEqual([-0.22916666666666666, 2]);
  expect(rreluDerivative([-1, 0, 2], { lower: 0, upper: 1, atZero: 'one' })).toEqual([0.5, 1, 1]);
});

test('moments are those of training: they use E r² (theory vectors)', () => {
  const factor = (options?: Parameters<typeof rreluRectifier>[0]) => rreluRectifier(options).moments(0, 1).secondMoment;
  expect(factor()).toBeCloseTo(0.5280671296296297, 15);
  expect(factor({ convention: 'xu2015' })).toBeCloseTo(0.5208333333333334, 15);
  expect(rreluRectifier({ convention: 'xu2015', lower: 4, upper: 4 }).moments(0, 1).derivativeMean).toBe(0.625);
});

test('bad parameters are refused', () => {
  const refused = (run: () => unknown, message: string) => expect(run).toThrow(new RangeError(message));
  refused(
    () => rrelu(1, { lower: 0.5, upper: 0.25 }),
    'rrelu: lower must be at most upper, got lower 0.5 and upper 0.25',
  );
  refused(() => rrelu(1, { upper: NaN }), 'rrelu: upper must be finite, got NaN');
  refused(
    () => rrelu(1, { convention: 'xu2015', lower: 0 }),
    "rrelu: lower must be greater than 0 with convention 'xu2015', which divides by it, got 0",
  );
  refused(
    () => rrelu(1, { convention: 'other' as never }),
    "rrelu: convention must be 'uniform' or 'xu2015', got 'other'",
  );
  refused(() => rreluTrain([1], { seed: 0.5 }), 'rreluTrain: seed must be a whole number from 0 to 2^53 - 1, got 0.5');
  refused(
    () => rreluTrain([1], {} as never),
    'rreluTrain: seed must be a whole number from 0 to 2^53 - 1, got undefined',
  );
  refused(
    () => rreluTrainBackward([1], [1, 2], { seed: 1 }),
    'rreluTrainBackward: dy must have length 1 (that of x), got 2',
  );
});
