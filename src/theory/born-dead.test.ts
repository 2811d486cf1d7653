import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bornDeadBounds, hiddenWidths, minimalWidth } from './born-dead.js';

const at = (width: number, depth: number) => bornDeadBounds({ hiddenWidths: hiddenWidths(width, depth) });

/** Computed once elsewhere from the closed forms of Lu et al. 2019: width, depth, lower bound, probability that one point is dead. */
const known: readonly (readonly [number, number, number, number])[] = [
  [2, 2, 0, 0.25],
  [2, 3, 0.15625, 0.4375],
  [2, 4, 0.326171875, 0.578125],
  [2, 5, 0.4766845703125, 0.68359375],
  [2, 10, 0.8702558771474287, 0.9249153137207031],
  [2, 20, 0.9926710803012391, 0.9957717174147547],
  [4, 2, 0, 0.0625],
  [4, 3, 0.01123046875, 0.12109375],
  [4, 4, 0.028768539428710938, 0.176025390625],
  [4, 10, 0.20416353890306094, 0.4405754932813579],
  [4, 20, 0.5198453875606484, 0.7066039574524412],
  [4, 30, 0.7337476246328528, 0.8461253721480908],
  [10, 2, 0, 0.0009765625],
  [10, 3, 2.859160304069519e-6, 0.0019521713256835938],
  [10, 6, 2.2858192431019636e-5, 0.004873285065515098],
  [10, 10, 7.59652615873194e-5, 0.00875480834122111],
];

/** The lower bound of Lu et al. 2019 as it is printed, for equal widths. */
function printed(width: number, depth: number): number {
  const [half, quarter] = [2 ** -width, 4 ** -width];
  const [a1, a2] = [1 - half, 1 - 2 * half - (width - 1) * quarter];
  const mixed = ((1 - 2 * half) * (1 - half)) / (1 + (width - 1) * half);
  return 1 - a1 ** (depth - 2) + mixed * (a2 ** (depth - 2) - a1 ** (depth - 2));
}

describe('bornDeadBounds', () => {
  test.each(known)('width %i, depth %i', (width, depth, lower, pointDeath) => {
    expect(Math.abs(at(width, depth).lower - lower)).toBeLessThan(1e-12);
    expect(Math.abs(at(width, depth).pointDeath - pointDeath)).toBeLessThan(1e-12);
  });

  test('is the printed formula where all layers have the same width', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 2, max: 60 }), (width, depth) => {
        expect(Math.abs(at(width, depth).lower - printed(width, depth))).toBeLessThan(1e-12);
      }),
    );
  });

  test('knows the exact values of shallow and of one-unit networks, and of width 2 at depth 4', () => {
    expect(at(2, 2).exact).toBe(0);
    expect(at(2, 3).exact).toBe(0.15625);
    expect(at(2, 4).exact).toBeCloseTo(0.3401692708333333, 15);
    expect(at(2, 5).exact).toBeNull();
    expect(at(7, 1)).toEqual({ lower: 0, upper: 0, pointDeath: 0, exact: 0 });
    for (const depth of [2, 3, 10]) expect(at(1, depth).exact).toBeCloseTo(1 - 2 ** -(depth - 2), 15);
    expect(bornDeadBounds({ hiddenWidths: [2, 2, 2], distribution: 'uniform' }).exact).toBeNull();
  });

  test('keeps order: lower, exact, upper, one point; whatever the widths', () => {
    const widths = fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 8 });
    fc.assert(
      fc.property(widths, fc.integer({ min: 1, max: 5 }), (hidden, inputs) => {
        const { lower, upper, pointDeath, exact } = bornDeadBounds({ hiddenWidths: hidden, inputs });
        const slack = 1 + 1e-12;
        expect(lower).toBeGreaterThanOrEqual(0);
        expect(lower).toBeLessThanOrEqual(upper * slack);
        expect(upper).toBeLessThanOrEqual(pointDeath * slack);
        if (exact === null) return;
        expect(exact).toBeGreaterThanOrEqual(lower / slack);
        expect(exact).toBeLessThanOrEqual(upper * slack);
      }),
    );
  });

  test('falls with the width of any layer and rises with every layer that is added', () => {
    const widths = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 2, maxLength: 6 });
    fc.assert(
      fc.property(widths, fc.nat(5), (hidden, index) => {
        const wider = hidden.map((width, k) => (k === index % hidden.length ? width + 1 : width));
        const slack = 1 + 1e-12;
        for (const bound of ['upper', 'pointDeath'] as const) {
          const before = bornDeadBounds({ hiddenWidths: hidden })[bound];
          expect(bornDeadBounds({ hiddenWidths: wider })[bound]).toBeLessThanOrEqual(before * slack);
          expect(bornDeadBounds({ hiddenWidths: [...hidden, 3] })[bound]).toBeGreaterThanOrEqual(before / slack);
        }
      }),
    );
  });

  test('keeps the digits of tiny probabilities', () => {
    expect(at(100, 3).lower / (3 * 4 ** -100)).toBeCloseTo(1, 14);
    expect(at(100, 3).upper / (3 * 4 ** -100)).toBeCloseTo(1, 14);
    expect(at(1000, 11).pointDeath / (10 * 2 ** -1000)).toBeCloseTo(1, 14);
    expect(at(1e6, 100)).toMatchObject({ lower: 0, upper: 0, pointDeath: 0 });
  });

  test('knows less of more inputs', () => {
    const one = bornDeadBounds({ hiddenWidths: [3, 3, 3] });
    const two = bornDeadBounds({ hiddenWidths: [3, 3, 3], inputs: 2 });
    expect(two.lower).toBeCloseTo(1 - (1 - 2 ** -9) ** 2, 14);
    expect(two.lower).toBeLessThan(one.lower);
    expect([two.upper, two.pointDeath, two.exact]).toEqual([one.upper, one.pointDeath, null]);
    expect(bornDeadBounds({ hiddenWidths: [1, 3], inputs: 9 }).exact).toBe(0.125);
  });

  test.each([
    [() => at(0, 3), 'hiddenWidths: width must be a whole number from 1'],
    [() => at(2, 0), 'hiddenWidths: depth must be a whole number from 1'],
    [() => at(2, 2e6), 'hiddenWidths: depth must be at most 1000000, got 2000000'],
    [() => bornDeadBounds({ hiddenWidths: [2, 2.5] }), 'bornDeadBounds: width 1 must be a whole number from 1'],
    [() => bornDeadBounds({ hiddenWidths: [2, Number.NaN] }), 'bornDeadBounds: width 1'],
    [() => bornDeadBounds({ hiddenWidths: [2], inputs: 0 }), 'bornDeadBounds: inputs must be a whole number from 1'],
    [() => bornDeadBounds({ hiddenWidths: [2], distribution: 'orthogonal' }), "got 'orthogonal'"],
  ])('refuses what has no bounds', (make, message) => {
    expect(make).toThrow(message);
  });
});

describe('minimalWidth', () => {
  test('is the first width whose bound is within the probability', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 200 }),
        fc.double({ min: 1e-9, max: 0.9, noNaN: true }),
        (depth, probability) => {
          const { sufficient, necessary } = minimalWidth({ depth, probability });
          expect(at(sufficient, depth).upper).toBeLessThanOrEqual(probability);
          expect(at(necessary, depth).lower).toBeLessThanOrEqual(probability);
          if (sufficient > 1) expect(at(sufficient - 1, depth).upper).toBeGreaterThan(probability);
          if (necessary > 1) expect(at(necessary - 1, depth).lower).toBeGreaterThan(probability);
        },
      ),
    );
  });

  test.each([0, 1, -1, Number.NaN])('refuses the probability %d', probability => {
    expect(() => minimalWidth({ depth: 3, probability })).toThrow('minimalWidth: probability must be');
  });
});

test('refuses what has no hidden widths', () => {
  expect(() => bornDeadBounds({} as never)).toThrow(
    'bornDeadBounds: hiddenWidths must be an array of widths, got undefined',
  );
});
