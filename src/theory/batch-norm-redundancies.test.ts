import fc from 'fast-check';
import { Matrix, SingularValueDecomposition } from 'ml-matrix';
import { describe, expect, test } from 'vitest';
import { contributions, indistinguishable, type NormalizedUnit } from './batch-norm.js';
import { redundancies } from './batch-norm-redundancies.js';

/** The rank of the map from the parameters to the values at many z, by differences and singular values; means removed where biases would take them up. */
function numericRank(unit: NormalizedUnit, isOwn: boolean): number {
  const z = Array.from({ length: 41 }, (_, at) => (at - 20) / 7.3);
  const values = (changed: NormalizedUnit) => {
    const rows = z.map(at => contributions(changed, at));
    return unit.nextWeights.flatMap((_, row) => {
      const column = rows.map(each => each[row]!);
      const mean = (unit.nextHasBias ?? true) ? column.reduce((a, b) => a + b, 0) / column.length : 0;
      return column.map(value => value - mean);
    });
  };
  const step = 1e-6;
  const moved = [
    ...(['gamma', 'beta', ...(isOwn ? (['negativeSlope'] as const) : [])] as const).map(key => [
      { ...unit, [key]: unit[key] + step },
      { ...unit, [key]: unit[key] - step },
    ]),
    ...unit.nextWeights.map((_, row) =>
      [step, -step].map(by => ({ ...unit, nextWeights: unit.nextWeights.map((w, at) => (at === row ? w + by : w)) })),
    ),
  ] as [NormalizedUnit, NormalizedUnit][];
  const columns = moved.map(([up, down]) => {
    const below = values(down);
    return values(up).map((value, at) => (value - below[at]!) / (2 * step));
  });
  const singular = new SingularValueDecomposition(new Matrix(columns).transpose()).diagonal;
  return singular.filter(value => value > 1e-5).length;
}

// Kinks away from the points at which differences are taken, no values so small that they drown in differences.
const tame = fc.constantFrom(-2, -1.3, -0.7, 0.6, 1.1, 1.9);
const units: fc.Arbitrary<NormalizedUnit> = fc.record({
  gamma: fc.oneof(fc.constant(0), tame),
  beta: fc.constantFrom(-1.01, -0.37, 0.23, 0.83),
  negativeSlope: fc.constantFrom(-1, -0.4, 0, 0.25, 1, 3),
  nextWeights: fc.array(fc.oneof(fc.constant(0), tame), { minLength: 1, maxLength: 3 }),
  nextHasBias: fc.boolean(),
});

describe('redundancies', () => {
  test('counts the directions that the rank of the Jacobian is short of', () => {
    fc.assert(
      fc.property(units, fc.constantFrom('learned', 'shared', 'fixed'), (unit, slope) => {
        const { parameters, redundant } = redundancies(unit, { slope });
        expect(parameters - redundant).toBe(numericRank(unit, slope === 'learned'));
      }),
      { numRuns: 300 },
    );
  });

  test('gives a twin that computes the same with gamma of the other sign', () => {
    fc.assert(
      fc.property(units, unit => {
        const { twin } = redundancies(unit);
        const exists = unit.gamma !== 0 && unit.nextWeights.some(w => w !== 0) && ![0, 1].includes(unit.negativeSlope);
        expect(twin !== null).toBe(exists);
        if (!twin) return;
        expect(Math.sign(twin.gamma)).toBe(-Math.sign(unit.gamma));
        expect(indistinguishable(unit, { ...unit, ...twin })).toBe(true);
      }),
    );
  });

  const unit: NormalizedUnit = { gamma: -0.5, beta: 0.25, negativeSlope: 0.25, nextWeights: [1, 2] };
  test('says when a constraint, a shared slope or a fixed one keeps the sign of gamma apart', () => {
    const last = (options: Parameters<typeof redundancies>[1]) => {
      const { twin, sentences } = redundancies(unit, options);
      return [twin !== null, sentences.at(-1)] as const;
    };
    expect(last({})[0]).toBe(true);
    expect(last({})[1]).toContain('gamma 0.5, beta −0.25, slope 4 and next weights times −0.25');
    expect(last({ slopeRange: [0, 1] })).toEqual([
      false,
      'The sign of gamma can be told: its twin has slope 4, outside the allowed 0 to 1.',
    ]);
    expect(last({ slopeRange: [0, 4] })[0]).toBe(true);
    expect(last({ slope: 'shared' })).toEqual([false, expect.stringContaining('shared with channels')]);
    expect(last({ slope: 'fixed' })).toEqual([false, expect.stringContaining('the slope is fixed')]);
  });

  test('has no twin whose slope would be infinite', () => {
    const { twin, sentences } = redundancies({ ...unit, negativeSlope: 2 ** -1070, gamma: 1 });
    expect(twin).toBeNull();
    expect(sentences.at(-1)).toContain('beyond float64');
  });

  test('knows that |x| is its own mirror image, whoever holds the slope', () => {
    expect(redundancies({ ...unit, negativeSlope: -1 }, { slope: 'fixed' }).twin?.negativeSlope).toBe(-1);
  });

  test.each([
    [{ ...unit, negativeSlope: 0 }, 'slope 0 has no mirror image'],
    [
      { ...unit, gamma: 0 },
      "constant: beta, the slope and the next weights cannot be told apart, and the next layer's",
    ],
    [{ ...unit, negativeSlope: 1 }, "a line: beta cannot be told from the next layer's biases"],
    [{ ...unit, nextWeights: [0] }, 'nothing reads the channel'],
  ])('says what cannot be told of %o', (special, text) => {
    expect(redundancies(special).sentences.join(' ')).toContain(text);
  });

  test('refuses a slope outside its range', () => {
    expect(() => redundancies(unit, { slopeRange: [0.5, 1] })).toThrow('must lie in the slopeRange 0.5 to 1, got 0.25');
    expect(() => redundancies({ ...unit, gamma: Number.NaN })).toThrow('gamma must be finite');
  });
});

test('refuses options that are none', () => {
  const unit = { gamma: -2, beta: 1, negativeSlope: -1, nextWeights: [1] };
  expect(() => redundancies(unit, { slope: 'foo' as never })).toThrow(
    "redundancies: slope must be one of learned, shared, fixed, got 'foo'",
  );
  const backward = 'redundancies: slopeRange must go from a lower to a higher slope, got';
  expect(() => redundancies(unit, { slopeRange: [1, 0] })).toThrow(`${backward} 1 to 0`);
  expect(() => redundancies(unit, { slopeRange: [Number.NaN, 1] })).toThrow(`${backward} NaN to 1`);
});
