import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalForm, contributions, indistinguishable, type NormalizedUnit } from './batch-norm.js';

const number = (max: number) => fc.double({ min: -max, max, noNaN: true });
const away = (max: number) => number(max).filter(value => Math.abs(value) > 1e-3);
const slopes = fc.oneof(fc.constantFrom(0, 1, -1, 0.25, 4), away(10));
const units: fc.Arbitrary<NormalizedUnit> = fc.record({
  gamma: fc.oneof(fc.constantFrom(0, 1, -1), away(10)),
  beta: fc.oneof(fc.constant(0), number(5)),
  negativeSlope: slopes,
  nextWeights: fc.array(number(3), { minLength: 1, maxLength: 4 }),
  nextHasBias: fc.boolean(),
});
const generic = units.filter(
  ({ gamma, negativeSlope, nextWeights }) =>
    gamma !== 0 && negativeSlope !== 0 && nextWeights.some(weight => Math.abs(weight) > 1e-3),
);

describe('canonicalForm', () => {
  test('computes the same function of z with the biases it shifts', () => {
    fc.assert(
      fc.property(units, number(20), (unit, z) => {
        const canonical = canonicalForm(unit);
        const before = contributions(unit, z);
        const after = contributions(canonical, z).map((value, row) => value + canonical.nextBiasShift[row]!);
        const size =
          Math.max(1, Math.abs(unit.negativeSlope)) * (Math.abs(unit.gamma * z) + Math.abs(unit.beta)) * 3 + 1e-300;
        before.forEach((value, row) => {
          expect(Math.abs(value - after[row]!) / size).toBeLessThan(1e-12);
        });
      }),
    );
  });

  test('has gamma 1, but for slope 0 behind a negative gamma and for constants', () => {
    fc.assert(
      fc.property(units, fc.boolean(), (given, isRead) => {
        const unit = { ...given, nextWeights: isRead ? [1, ...given.nextWeights] : [0, 0] };
        const constant = unit.gamma === 0 || !isRead;
        const flipped = unit.gamma < 0 && unit.negativeSlope === 0;
        expect(canonicalForm(unit).gamma).toBe(constant ? 0 : flipped ? -1 : 1);
      }),
    );
  });

  test('leaves itself as it is', () => {
    fc.assert(
      fc.property(units, unit => {
        const { nextBiasShift, ...canonical } = canonicalForm(unit);
        const again = canonicalForm({ ...canonical, nextHasBias: unit.nextHasBias });
        expect(again).toEqual({ ...canonical, nextBiasShift: nextBiasShift.map(() => 0) });
      }),
    );
  });

  test.each([
    [{ gamma: 2, beta: 1, negativeSlope: 0.25, nextWeights: [3] }, [1, 0.5, 0.25, [6], [0]]],
    [{ gamma: -2, beta: 1, negativeSlope: 0.25, nextWeights: [3, -1] }, [1, -0.5, 4, [-1.5, 0.5], [0, 0]]],
    [{ gamma: -2, beta: 1, negativeSlope: 0, nextWeights: [3] }, [-1, 0.5, 0, [6], [0]]],
    [{ gamma: -2, beta: 0, negativeSlope: -0.5, nextWeights: [3] }, [1, 0, -2, [3], [0]]],
    [{ gamma: -2, beta: 1, negativeSlope: -1, nextWeights: [3] }, [1, -0.5, -1, [6], [0]]],
    [{ gamma: -2, beta: 1, negativeSlope: 4, nextWeights: [3] }, [1, -0.5, 0.25, [-24], [0]]],
    [{ gamma: 0, beta: -2, negativeSlope: 0.25, nextWeights: [4, 8] }, [0, 0, 0, [0, 0], [-2, -4]]],
    [{ gamma: 0, beta: -2, negativeSlope: 0.25, nextWeights: [4], nextHasBias: false }, [0, 1, 0, [-2], [0]]],
    [{ gamma: 0, beta: -2, negativeSlope: 0, nextWeights: [4], nextHasBias: false }, [0, 0, 0, [0], [0]]],
    [{ gamma: -2, beta: 3, negativeSlope: 1, nextWeights: [4] }, [1, 0, 1, [-8], [12]]],
    [{ gamma: -2, beta: 3, negativeSlope: 1, nextWeights: [4], nextHasBias: false }, [1, -1.5, 1, [-8], [0]]],
    [{ gamma: 5, beta: 3, negativeSlope: 0.5, nextWeights: [0, 0] }, [0, 0, 0, [0, 0], [0, 0]]],
  ] as [NormalizedUnit, [number, number, number, number[], number[]]][])(
    'gives %o exactly',
    (unit, [gamma, beta, negativeSlope, nextWeights, nextBiasShift]) => {
      expect(canonicalForm(unit)).toEqual({ gamma, beta, negativeSlope, nextWeights, nextBiasShift });
    },
  );

  const plain: NormalizedUnit = { gamma: 1, beta: 1, negativeSlope: 0.5, nextWeights: [1] };
  test.each([
    [{ ...plain, gamma: Number.NaN }, 'canonicalForm: gamma must be finite, got NaN'],
    [{ ...plain, beta: Infinity }, 'beta must be finite, got Infinity'],
    [{ ...plain, negativeSlope: -Infinity }, 'negativeSlope must be finite, got -Infinity'],
    [{ ...plain, nextWeights: [] }, 'nextWeights must hold one weight or more'],
    [{ ...plain, nextWeights: [1, Number.NaN] }, 'nextWeights[1] must be finite, got NaN'],
    [{ ...plain, gamma: 1e-320 }, 'beta / gamma must be a float64, got Infinity'],
    [{ ...plain, gamma: -1, negativeSlope: 1e-320 }, '1 / negativeSlope must be a float64, got Infinity'],
    [{ ...plain, gamma: 1e200, nextWeights: [1e200] }, 'gamma times a next weight must be a float64, got Infinity'],
  ])('refuses %o', (unit, message) => {
    expect(() => canonicalForm(unit)).toThrow(RangeError);
    expect(() => canonicalForm(unit)).toThrow(message);
  });
});

describe('indistinguishable', () => {
  test('holds for every rescaling and mirror image of a unit', () => {
    fc.assert(
      fc.property(generic, fc.double({ min: 0.01, max: 100, noNaN: true }), fc.boolean(), (unit, t, flip) => {
        const a = unit.negativeSlope;
        const [sign, slope, factor] = flip ? [-1, 1 / a, -a] : [1, a, 1];
        const twin = {
          ...unit,
          gamma: sign * t * unit.gamma,
          beta: sign * t * unit.beta,
          negativeSlope: slope,
          nextWeights: unit.nextWeights.map(weight => (factor * weight) / t),
        };
        expect(indistinguishable(unit, twin)).toBe(true);
        expect(indistinguishable(twin, unit)).toBe(true);
      }),
    );
  });

  test('fails once one parameter of a unit with a kink is another', () => {
    const kinked = generic.filter(({ negativeSlope }) => Math.abs(negativeSlope - 1) > 1e-3);
    const keys = fc.constantFrom('gamma', 'beta', 'negativeSlope', 'nextWeights');
    fc.assert(
      fc.property(kinked, keys, (unit, key) => {
        const changed =
          key === 'nextWeights'
            ? { ...unit, nextWeights: unit.nextWeights.map(weight => weight * 1.01) }
            : { ...unit, [key]: unit[key] + 0.01 * Math.max(Math.abs(unit[key]), Math.abs(unit.gamma)) };
        expect(indistinguishable(unit, changed)).toBe(false);
        expect(indistinguishable(unit, changed, { tolerance: 1e3 })).toBe(true);
      }),
    );
  });

  test('tells the sides of a ReLU apart, and units from lines and constants', () => {
    const relu = { gamma: 1, beta: 0, negativeSlope: 0, nextWeights: [1] };
    expect(indistinguishable(relu, { ...relu, gamma: -1 })).toBe(false);
    expect(indistinguishable(relu, { ...relu, negativeSlope: 1 })).toBe(false);
    expect(indistinguishable(relu, { ...relu, gamma: 0 })).toBe(false);
    expect(indistinguishable(relu, { ...relu, beta: 1e6 })).toBe(false);
  });

  test('lets the next biases make up for constants, where there are any', () => {
    const [low, high] = [1, 2].map(beta => ({ gamma: 0, beta, negativeSlope: 0.5, nextWeights: [1] }));
    expect(indistinguishable(low!, high!)).toBe(true);
    expect(indistinguishable({ ...low!, nextHasBias: false }, { ...high!, nextHasBias: false })).toBe(false);
    const line = { gamma: 1, beta: 0, negativeSlope: 1, nextWeights: [1] };
    expect(indistinguishable(line, { ...line, beta: 3 })).toBe(true);
    expect(indistinguishable(line, { ...line, beta: 3, negativeSlope: 1 + 1e-14 })).toBe(true);
  });

  test('refuses units that cannot be compared', () => {
    const unit = { gamma: 1, beta: 0, negativeSlope: 0, nextWeights: [1] };
    expect(() => indistinguishable(unit, { ...unit, nextWeights: [1, 2] })).toThrow(
      'as many next weights, got 1 and 2',
    );
    expect(() => indistinguishable(unit, { ...unit, nextHasBias: false })).toThrow('nextHasBias must be the same');
    expect(() => indistinguishable(unit, unit, { tolerance: -1 })).toThrow('tolerance must be at least 0, got -1');
    expect(() => indistinguishable(unit, unit, { tolerance: Number.NaN })).toThrow('tolerance must be finite');
  });
});
