import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createRandom } from '../random.js';
import { normalCdf } from '../rectifiers/normal.js';
import { parseRectifier } from '../rectifiers/parse-rectifier.js';
import { canDie } from './can-die.js';
import { normalQuantile } from './normal-quantile.js';
import { biasForFiringRate, unitFate } from './unit-death.js';

describe('unitFate', () => {
  test('is what sampled units do', () => {
    const random = createRandom(2);
    const [w, mu, std] = [[0.5, -1, 0.25], [0.2, 0.1, -0.4], 2];
    const dot = (x: readonly number[]) => w.reduce((sum, weight, i) => sum + weight * x[i]!, 0);
    const bias = -2;
    const [samples, inAll] = [200_000, 5];
    let [fired, silentRuns, run] = [0, 0, 0];
    for (let n = 1; n <= samples; n++) {
      const fires = dot(mu.map(mean => mean + std * random.normal())) + bias > 0;
      if (fires) fired++;
      else run++;
      if (n % inAll > 0) continue;
      if (run === inAll) silentRuns++;
      run = 0;
    }
    const fate = unitFate(
      { bias, weightNorm: Math.hypot(...w), inputStd: std, inputMean: dot(mu) },
      { samples: inAll },
    );
    const error = (p: number, n: number) => 4 * Math.sqrt((p * (1 - p)) / n);
    expect(Math.abs(fired / samples - fate.firingRate)).toBeLessThan(error(fate.firingRate, samples));
    const runs = samples / inAll;
    expect(Math.abs(silentRuns / runs - fate.silentOnAll)).toBeLessThan(error(fate.silentOnAll, runs));
  });

  test('keeps the digits of both tails', () => {
    const { firingRate, silentOnAll, inputsUntilFiring, silentRadius } = unitFate({ bias: -30, weightNorm: 1 });
    expect(firingRate / 4.906713927148187e-198).toBeCloseTo(1, 12);
    expect([silentOnAll, silentRadius]).toEqual([1, 30]);
    expect(inputsUntilFiring).toBe(1 / firingRate);
    const rare = unitFate({ bias: -6, weightNorm: 1 }, { samples: 10 });
    expect((1 - rare.silentOnAll) / (10 * rare.firingRate)).toBeCloseTo(1, 6);
    expect(unitFate({ bias: 8, weightNorm: 1 }, { samples: 1 }).silence).toBe(normalCdf(-8));
    expect(unitFate({ bias: 8, weightNorm: 1 }, { samples: 3 }).silentOnAll / normalCdf(-8) ** 3).toBeCloseTo(1, 12);
  });

  test('only the quotient of bias and weight norm counts, and rates add up to 1', () => {
    const scale = fc.double({ min: 1e-3, max: 1e3, noNaN: true });
    fc.assert(
      fc.property(fc.double({ min: -20, max: 20, noNaN: true }), scale, (bias, factor) => {
        const [one, scaled] = [
          unitFate({ bias, weightNorm: 1 }),
          unitFate({ bias: bias * factor, weightNorm: factor / 2, inputStd: 2 }),
        ];
        expect(scaled.firingRate / one.firingRate).toBeCloseTo(1, 9);
        expect(one.firingRate + one.silence).toBeCloseTo(1, 14);
        expect(one.silentOnAll).toBeLessThanOrEqual(one.silence);
      }),
    );
  });

  test('the share of the gradient is that of the rectifier', () => {
    const unit = { bias: -1, weightNorm: 2 };
    const { firingRate, silence, gradientShare } = unitFate(unit);
    expect(gradientShare).toBeCloseTo(firingRate, 15);
    const leaky = unitFate(unit, { rectifier: parseRectifier('leaky:0.1') });
    expect(leaky.gradientShare).toBeCloseTo(firingRate + 0.01 * silence, 15);
    expect(unitFate(unit, { rectifier: parseRectifier('leaky:1') }).gradientShare).toBeCloseTo(1, 14);
    expect(unitFate({ bias: -9, weightNorm: 1 }, { rectifier: parseRectifier('leaky:-2') }).gradientShare).toBeCloseTo(
      4,
    );
  });

  test('a unit without weights is constant: silent for a bias of 0 or below', () => {
    expect(unitFate({ bias: 0.1, weightNorm: 0 })).toMatchObject({ firingRate: 1, silence: 0, silentOnAll: 0 });
    for (const bias of [0, -0.1])
      expect(unitFate({ bias, weightNorm: 0 })).toMatchObject({ firingRate: 0, silence: 1, silentOnAll: 1 });
    expect(unitFate({ bias: -0.1, weightNorm: 0 }).silentRadius).toBe(Number.POSITIVE_INFINITY);
  });

  test.each([
    [{ bias: Number.NaN, weightNorm: 1 }, {}, 'unitFate: bias must be finite, got NaN'],
    [{ bias: 0, weightNorm: -1 }, {}, 'unitFate: weightNorm must be at least 0, got -1'],
    [{ bias: 0, weightNorm: Number.POSITIVE_INFINITY }, {}, 'unitFate: weightNorm must be finite'],
    [{ bias: 0, weightNorm: 1, inputStd: 0 }, {}, 'unitFate: inputStd must be greater than 0, got 0'],
    [{ bias: 0, weightNorm: 1 }, { samples: 0 }, 'unitFate: samples must be a whole number from 1'],
  ])('refuses %j %j', (unit, options, message) => {
    expect(() => unitFate(unit, options)).toThrow(message);
  });
});

describe('biasForFiringRate', () => {
  test('is the inverse of the firing rate', () => {
    const share = fc.double({ min: 1e-300, max: 1 - 1e-9, noNaN: true });
    fc.assert(
      fc.property(share, fc.double({ min: 0.01, max: 100, noNaN: true }), (rate, weightNorm) => {
        const unit = { weightNorm, inputStd: 3 };
        const bias = biasForFiringRate(rate, unit);
        expect(unitFate({ ...unit, bias }).firingRate / rate).toBeCloseTo(1, 11);
      }),
    );
    expect(biasForFiringRate(0.5, { weightNorm: 2, inputMean: 7 })).toBe(-7);
  });

  test.each([
    [0, { weightNorm: 1 }, 'biasForFiringRate: firingRate must be above 0 and below 1, got 0'],
    [1, { weightNorm: 1 }, 'biasForFiringRate: firingRate must be above 0 and below 1, got 1'],
    [0.5, { weightNorm: 0 }, 'biasForFiringRate: weightNorm must be greater than 0, got 0'],
  ])('refuses %d with %j', (rate, unit, message) => {
    expect(() => biasForFiringRate(rate, unit)).toThrow(message);
  });
});

describe('normalQuantile', () => {
  test('knows tabulated values', () => {
    for (const [p, x] of [
      [0.001, -3.090232306167813],
      [0.025, -1.959963984540054],
      [0.1, -1.281551565544601],
      [0.75, 0.674489750196082],
      [0.999, 3.090232306167813],
    ] as const)
      expect(normalQuantile(p)).toBeCloseTo(x, 13);
  });

  test('is the inverse of the distribution function, in the farthest tail too', () => {
    fc.assert(
      fc.property(fc.double({ min: 5e-324, max: 0.5, noNaN: true }), p => {
        fc.pre(p > 1e-307);
        expect(normalCdf(normalQuantile(p)) / p).toBeCloseTo(1, 10);
      }),
    );
    expect(Number.isFinite(normalQuantile(5e-324))).toBe(true);
  });

  test.each([0, 1, -0.1, Number.NaN])('refuses %d', p => {
    expect(() => normalQuantile(p)).toThrow('normalQuantile: p must be');
  });
});

test('a constant that never fires is silent for inputs at any distance', () => {
  expect(unitFate({ bias: 0, weightNorm: 0 })).toMatchObject({ firingRate: 0, silence: 1, silentRadius: Infinity });
  expect(unitFate({ bias: -1, weightNorm: 0 }).silentRadius).toBe(Infinity);
  expect(unitFate({ bias: 1, weightNorm: 0 })).toMatchObject({ firingRate: 1, silentRadius: 0 });
  expect(unitFate({ bias: 0, weightNorm: 1 }).silentRadius).toBe(0);
});

test('the name of a rectifier is none', () => {
  expect(() => unitFate({ bias: 0, weightNorm: 1 }, { rectifier: 'relu' as never })).toThrow(
    'unitFate: rectifier must be a rectifier, such as',
  );
  expect(() => canDie('relu' as never)).toThrow('canDie: rectifier must be a rectifier, such as');
});
