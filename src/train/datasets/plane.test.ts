import { describe, expect, test } from 'vitest';
import { moons, rings, spirals } from './plane.js';

const points = ({ inputs, targets }: ReturnType<typeof moons>) =>
  Array.from(targets, (label, i) => ({ label, x: inputs[2 * i]!, y: inputs[2 * i + 1]! }));

test.each([
  ['spirals', spirals],
  ['moons', moons],
  ['rings', rings],
] as const)('%s: classes in turn, the same for the same seed', (name, make) => {
  const data = make({ count: 301, seed: 7 });
  expect(data).toMatchObject({ name, count: 301, inputDims: [2] });
  expect(data.inputs.length).toBe(602);
  expect(Array.from(data.targets)).toEqual(Array.from({ length: 301 }, (_, i) => i % data.classes!));
  expect(make({ count: 301, seed: 7 })).toEqual(data);
  expect(make({ count: 301, seed: 8 }).inputs).not.toEqual(data.inputs);
});

describe('without noise the points lie on their curves', () => {
  test('spirals', () => {
    for (const { label, x, y } of points(spirals({ classes: 4, turns: 1.5, noise: 0 }))) {
      const radius = Math.hypot(x, y);
      const angle = 2 * Math.PI * (1.5 * radius + label / 4);
      expect(radius).toBeLessThanOrEqual(1);
      expect(radius * Math.cos(angle)).toBeCloseTo(x, 5);
      expect(radius * Math.sin(angle)).toBeCloseTo(y, 5);
    }
  });

  test('moons', () => {
    for (const { label, x, y } of points(moons({ noise: 0 }))) {
      expect(label === 0 ? Math.hypot(x, y) : Math.hypot(x - 1, y - 0.5)).toBeCloseTo(1, 5);
      expect(label === 0 ? y >= 0 : y <= 0.5).toBe(true);
    }
  });

  test('rings', () => {
    for (const { label, x, y } of points(rings({ classes: 3, noise: 0 })))
      expect(Math.hypot(x, y)).toBeCloseTo((label + 1) / 3, 5);
  });
});

test('noise has the deviation asked for', () => {
  const radii = points(rings({ count: 4000, noise: 0.1 })).map(({ label, x, y }) => Math.hypot(x, y) - (label + 1) / 2);
  const mean = radii.reduce((a, b) => a + b, 0) / 4000;
  expect(Math.sqrt(radii.reduce((a, b) => a + (b - mean) ** 2, 0) / 4000)).toBeCloseTo(0.1, 2);
});

test.each<[() => unknown, string]>([
  [() => spirals({ classes: 1 }), 'spirals: classes must be a whole number from 2'],
  [() => spirals({ turns: 0 }), 'spirals: turns must be greater than 0, got 0'],
  [() => moons({ count: 0 }), 'moons: count must be a whole number from 1'],
  [() => moons({ noise: -1 }), 'moons: noise must be at least 0, got -1'],
  [() => rings({ noise: Number.NaN }), 'rings: noise must be finite, got NaN'],
  [() => rings({ seed: 0.5 }), 'rings: seed must be a whole number from 0'],
])('refuses %s', (make, message) => {
  expect(make).toThrow(message);
});
