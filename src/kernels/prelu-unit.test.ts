import { expect, test } from 'vitest';
import * as definition from '../rectifiers/index.js';
import { preluUnitBackward, preluUnitForward } from './index.js';

const layout = { outer: 3, channels: 4, inner: 100 };
const noise = (seed: number) => Float32Array.from({ length: 1200 }, (_, i) => Math.sin(12.9898 * i + seed));
const constraints: definition.SlopeConstraint[] = [
  { kind: 'none' },
  { kind: 'projection', lower: 0, upper: 1 },
  { kind: 'softplus' },
  { kind: 'sigmoid', lower: 0, upper: 0.75 },
];

test.each(constraints)('a unit with constraint $kind is the definition, with its chain rule', constraint => {
  const [x, dy] = [noise(1), noise(2)];
  for (const channels of [1, 4]) {
    const unit = definition.createPreluUnit({ channels, constraint, initial: 0.3 });
    const want = definition.preluUnitBackward(unit, x, dy, { layout });
    expect(preluUnitForward(unit, x, { layout })).toEqual(definition.preluUnitForward(unit, x, { layout }));
    const got = preluUnitBackward(unit, x, dy, { layout });
    expect(got.dx).toEqual(want.dx);
    got.dparameters.forEach((gradient, c) => {
      const size = Math.abs(want.dparameters[c]!);
      expect(Math.abs(gradient - want.dparameters[c]!)).toBeLessThan(1e-5 * size);
    });
  }
});

test('slopes that do not match the layout are refused', () => {
  const unit = definition.createPreluUnit({ channels: 3 });
  expect(() => preluUnitForward(unit, noise(1), { layout })).toThrow(
    'preluUnitForward: slopes must have length 4 (channels), got 3',
  );
});
