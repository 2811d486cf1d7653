import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  createPreluUnit,
  parsePreluUnit,
  preluUnitBackward,
  preluUnitForward,
  preluUnitSlopes,
  preluUnitStep,
} from './prelu-unit.js';
import { parameterFromSlope, type SlopeConstraint, slopeByParameter, slopeFromParameter } from './slope-constraint.js';

const constraints: SlopeConstraint[] = [
  { kind: 'none' },
  { kind: 'projection', lower: 0, upper: 1 },
  { kind: 'projection', upper: 0.5 },
  { kind: 'softplus' },
  { kind: 'sigmoid', lower: -0.5, upper: 1 },
];

describe('constraints', () => {
  test('slope and parameter lead back to each other', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...constraints),
        fc.double({ min: 0.001, max: 0.499, noNaN: true }),
        (held, slope) => {
          expect(slopeFromParameter(parameterFromSlope(slope, held), held)).toBeCloseTo(slope, 14);
        },
      ),
    );
  });

  test('da/dp is the derivative, by differences', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...constraints.filter(({ kind }) => kind !== 'projection')),
        fc.double({ min: -20, max: 20, noNaN: true }),
        (held, p) => {
          // Five points, fourth order.
          const at = (k: number) => slopeFromParameter(p + k * 1e-3, held);
          const difference = (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * 1e-3);
          expect(slopeByParameter(p, held)).toBeCloseTo(difference, 10);
        },
      ),
    );
  });

  test('slopes they do not allow are refused', () => {
    const refused = (slope: number, held: SlopeConstraint, must: string) =>
      expect(() => parameterFromSlope(slope, held)).toThrow(
        new RangeError(`parameterFromSlope: slope must be ${must} for constraint '${held.kind}', got ${slope}`),
      );
    refused(2, { kind: 'projection', lower: 0, upper: 1 }, 'from 0 to 1');
    refused(0, { kind: 'softplus' }, 'greater than 0');
    refused(1, { kind: 'sigmoid', lower: 0, upper: 1 }, 'between 0 and 1, both excluded,');
    for (const f of [slopeFromParameter, slopeByParameter, parameterFromSlope]) {
      expect(() => f(1, { kind: 'foo' } as never)).toThrow(`${f.name}: constraint.kind must be 'none', `);
      expect(() => f(1, { kind: 'sigmoid', lower: 1, upper: 0 })).toThrow(
        `${f.name}: constraint.lower must be less than`,
      );
      expect(() => f(NaN, { kind: 'softplus' })).toThrow(
        `${f.name}: ${f === parameterFromSlope ? 'slope' : 'parameter'} must be finite, got NaN`,
      );
    }
  });
});

test('a new unit has slope 0.25, shared or for each channel', () => {
  expect(createPreluUnit()).toEqual({ parameters: [0.25], velocity: [0], constraint: { kind: 'none' } });
  const layout = { outer: 1, channels: 3, inner: 2 };
  const unit = createPreluUnit({ channels: 3, initial: [0, 0.5, 1] });
  expect(preluUnitForward(unit, [-1, 2, -1, 2, -1, 2], { layout })).toEqual([-0, 2, -0.5, 2, -1, 2]);
  expect(preluUnitForward(createPreluUnit(), -2)).toBe(-0.5);
});

test('all gradients, by differences of the loss', () => {
  const [x, dy] = [
    [-1.5, 2, -0.5, -3],
    [0.5, 1, -2, 0.25],
  ];
  const layout = { outer: 2, channels: 2, inner: 1 };
  for (const constraint of constraints) {
    const unit = createPreluUnit({ channels: 2, initial: [0.25, 0.375], constraint });
    const { dx, dslopes, dparameters } = preluUnitBackward(unit, x, dy, { layout });
    [0.125, 1, -0.5, 0.09375].forEach((wanted, i) => {
      expect(dx[i]).toBeCloseTo(wanted, 14);
    });
    expect(dslopes).toEqual(Float64Array.of(-0.75 + 1, -0.75));
    unit.parameters.forEach((p, c) => {
      const loss = (by: number) =>
        preluUnitForward({ ...unit, parameters: unit.parameters.with(c, p + by) }, x, { layout }).reduce(
          (sum, y, i) => sum + y * dy[i]!,
          0,
        );
      expect(dparameters[c]).toBeCloseTo((8 * (loss(1e-3) - loss(-1e-3)) - (loss(2e-3) - loss(-2e-3))) / 12e-3, 10);
    });
  }
});

describe('a step', () => {
  test('descends, with momentum, and leaves the unit given as it was', () => {
    const unit = createPreluUnit();
    const first = preluUnitStep(unit, [0.5], { learningRate: 0.1, momentum: 0.5 });
    const second = preluUnitStep(first, Float64Array.of(0.5), { learningRate: 0.1, momentum: 0.5 });
    expect(first.parameters[0]).toBeCloseTo(0.2, 15);
    expect(second.parameters[0]).toBeCloseTo(0.2 - 0.075, 15);
    expect(unit.parameters).toEqual([0.25]);
  });

  test('never leaves its bounds', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...constraints.slice(1)),
        fc.array(fc.double({ min: -30, max: 30, noNaN: true })),
        (constraint, gradients) => {
          let unit = createPreluUnit({ constraint });
          for (const gradient of gradients) {
            unit = preluUnitStep(unit, [gradient], { learningRate: 0.1, momentum: 0.9 });
            const slope = preluUnitSlopes(unit)[0] as number;
            const { lower = 0, upper = Infinity } = constraint as { lower?: number; upper?: number };
            expect(slope).toBeGreaterThanOrEqual(
              constraint.kind === 'projection' && !('lower' in constraint) ? -Infinity : lower,
            );
            expect(slope).toBeLessThanOrEqual(upper);
          }
        },
      ),
    );
  });

  test('however large never puts a slope on a bound that it must not touch', () => {
    const open: SlopeConstraint[] = [
      { kind: 'softplus' },
      ...[
        [0, 1],
        [-0.5, 1],
        [0.5, 1],
        [100, 101],
        [-3, 0],
        [1e-300, 2e-300],
      ].map(([lower, upper]) => ({ kind: 'sigmoid', lower, upper }) as SlopeConstraint),
    ];
    for (const constraint of open) {
      const { lower, upper } = constraint.kind === 'sigmoid' ? constraint : { lower: 0, upper: Infinity };
      const initial = constraint.kind === 'sigmoid' ? lower + (upper - lower) / 4 : 0.25;
      for (const sign of [-1, 1]) {
        const far = preluUnitStep(createPreluUnit({ initial, constraint }), [sign], { learningRate: 1e305 });
        const [slope] = preluUnitSlopes(far) as [number];
        expect(slope).toBeGreaterThan(lower);
        expect(slope).toBeLessThan(upper);
        expect(Math.abs(slopeByParameter(far.parameters[0]!, constraint))).toBeGreaterThan(0);
        expect(parsePreluUnit(JSON.stringify(far))).toEqual(far);
      }
    }
  });

  test('decays slopes only where asked, through the chain rule', () => {
    const step = { learningRate: 1, weightDecay: 0.5 };
    expect(preluUnitStep(createPreluUnit(), [0], { learningRate: 1 }).parameters).toEqual([0.25]);
    expect(preluUnitStep(createPreluUnit(), [0], step).parameters).toEqual([0.125]);
    const held = createPreluUnit({ constraint: { kind: 'sigmoid', lower: 0, upper: 0.5 } });
    expect(preluUnitStep(held, [0], step).parameters).toEqual([-0.125 * 0.125]);
  });

  test('refuses what would spoil the unit', () => {
    const refused = (dslopes: number[], options: object, message: string) =>
      expect(() => preluUnitStep(createPreluUnit(), dslopes, { learningRate: 0.1, ...options })).toThrow(
        new RangeError(`preluUnitStep: ${message}`),
      );
    refused([NaN], {}, 'dslopes must be finite, got NaN (channel 0)');
    refused([1, 2], {}, 'dslopes must have length 1 (channels), got 2');
    refused([1], { momentum: 1 }, 'momentum must be less than 1, got 1');
    refused([1], { learningRate: -1 }, 'learningRate must be at least 0, got -1');
    refused(
      [1e300],
      { learningRate: 1e300 },
      'the step must be finite, got velocity Infinity and parameter -Infinity (channel 0)',
    );
    refused([1], { weightDecay: Infinity }, 'weightDecay must be finite, got Infinity');
  });
});

describe('as JSON', () => {
  test('comes back as it was', () => {
    for (const constraint of constraints) {
      const unit = preluUnitStep(createPreluUnit({ channels: 2, constraint }), [1, -1], { learningRate: 0.1 });
      expect(parsePreluUnit(JSON.stringify(unit))).toEqual(unit);
    }
  });

  test('that is no unit is refused', () => {
    const refused = (data: unknown, message: string) =>
      expect(() => parsePreluUnit(JSON.stringify(data))).toThrow(`parsePreluUnit: ${message}`);
    refused([1], 'the JSON must be a unit, got Array');
    refused({ parameters: 1 }, 'parameters must be an array of numbers, got 1');
    refused({ ...createPreluUnit(), parameters: [NaN] }, 'parameters[0] must be a number, got null');
    refused({ ...createPreluUnit(), parameters: [] }, 'the number of parameters must be a whole number from 1 to');
    refused({ ...createPreluUnit(), velocity: [0, 0] }, 'velocity must have length 1 (that of parameters), got 2');
    refused({ ...createPreluUnit(), constraint: null }, "constraint.kind must be 'none',");
    refused(
      { ...createPreluUnit(), constraint: { kind: 'sigmoid', lower: 1, upper: 1 } },
      'constraint.lower must be less than upper, got lower 1 and upper 1',
    );
    refused(
      { parameters: [5], velocity: [0], constraint: { kind: 'projection', lower: 0, upper: 1 } },
      "the slope of parameters[0] must be from 0 to 1 for constraint 'projection', got 5",
    );
    refused(
      { parameters: [0, -800], velocity: [0, 0], constraint: { kind: 'softplus' } },
      "the slope of parameters[1] must be greater than 0 for constraint 'softplus', got 0",
    );
    expect(() => parsePreluUnit('{')).toThrow(SyntaxError);
  });
});

test('bad options are refused', () => {
  const refused = (options: Parameters<typeof createPreluUnit>[0], message: string) =>
    expect(() => createPreluUnit(options)).toThrow(new RangeError(message));
  refused({ channels: 0 }, 'createPreluUnit: channels must be a whole number from 1 to 2^53 - 1, got 0');
  refused({ channels: 2, initial: [1] }, 'createPreluUnit: initial must have length 2 (channels), got 1');
  refused({ initial: Number.NaN }, 'createPreluUnit: initial must be finite, got NaN');
  refused({ channels: 2 ** 40 }, 'createPreluUnit: channels must be at most 2^26, got 1099511627776');
  refused(
    { initial: 2, constraint: { kind: 'projection', lower: 0, upper: 1 } },
    "createPreluUnit: initial must be from 0 to 1 for constraint 'projection', got 2",
  );
  expect(() => createPreluUnit({ initial: null as never })).toThrow(
    new TypeError(
      'createPreluUnit: initial must be an array of numbers, Float16Array, Float32Array or Float64Array, got null',
    ),
  );
  expect(() => createPreluUnit(3 as never)).toThrow(
    'createPreluUnit: options must be an object such as { channels: 64 }, got 3',
  );
  expect(() => createPreluUnit({ init: 0.1 } as object)).toThrow(
    new TypeError('createPreluUnit: options must give channels or initial or constraint, got init'),
  );
  expect(() => preluUnitStep(createPreluUnit(), [1], { learningRate: 1, decay: 1 } as never)).toThrow(
    new TypeError('preluUnitStep: options must give learningRate or momentum or weightDecay, got decay'),
  );
  expect(() => createPreluUnit({ constraint: { kind: 'projection', min: 0 } as never })).toThrow(
    new TypeError('createPreluUnit: constraint must give kind, lower or upper, got min'),
  );
  expect(() => preluUnitForward(createPreluUnit({ channels: 3 }), [1, 2])).toThrow(
    'preluUnitForward: slopes must have length',
  );
  expect(() => preluUnitBackward(createPreluUnit({ channels: 3 }), [1, 2], [1, 2])).toThrow(
    'preluUnitBackward: slopes must have length',
  );
});
