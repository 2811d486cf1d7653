import { expect, it } from 'vitest';
import type { Rectifier } from '../../onnx/rectifiers.js';
import { createRandom } from '../../random.js';
import { relax } from './relaxation.js';

const rectifier = (slope: number, ceiling: number) =>
  ({
    nodes: [{}],
    negativeSlope: { source: '', dims: [], data: Float64Array.of(slope) },
    ceiling,
  }) as unknown as Rectifier;

it('the two lines hold the rectifier between them, for every slope, ceiling and interval', () => {
  const random = createRandom(1);
  const scale = () => 10 ** (4 * random.uniform() - 2) * random.normal();
  let stable = 0;
  for (let round = 0; round < 4000; round++) {
    const slope = [0, 0.01, 0.25, 1, 1.5, -0.5, -2][round % 7] as number;
    const ceiling = round % 3 === 0 ? Math.abs(scale()) + 1e-3 : Infinity;
    const [a, b] = [scale(), scale()];
    const [lower, upper] = [Math.min(a, b), Math.max(a, b)];
    const { lowerSlope, upperSlope, low, high } = relax(rectifier(slope, ceiling), [slope], {
      lower: [lower],
      upper: [upper],
    });
    if (lowerSlope[0] === upperSlope[0]) stable++;
    const kinks = [0, ceiling, ceiling / slope].filter(x => x > lower && x < upper);
    const points = [
      lower,
      upper,
      ...kinks,
      ...Array.from({ length: 30 }, () => lower + (upper - lower) * random.uniform()),
    ];
    for (const x of points) {
      const f = Math.min(x > 0 ? x : slope * x, ceiling);
      const [below, above] = [lowerSlope[0]! * x + low[0]!, upperSlope[0]! * x + high[0]!];
      if (!(below <= f && f <= above)) expect.fail(`slope ${slope}, ceiling ${ceiling}, ${x}: ${below} ${f} ${above}`);
    }
  }
  expect(stable).toBeGreaterThan(1000);
});

it('is exact where the unit is stable, and the triangle where it is not', () => {
  const of = (slope: number, lower: number, upper: number, ceiling = Infinity) => {
    const found = relax(rectifier(slope, ceiling), [slope], { lower: [lower], upper: [upper] });
    return [found.lowerSlope[0], found.low[0], found.upperSlope[0], found.high[0]];
  };
  expect(of(0, 1, 2)).toEqual([1, 0, 1, 0]);
  expect(of(0, -2, -1)).toEqual([0, 0, 0, 0]);
  expect(of(0, 7, 8, 6)).toEqual([0, 6 - 2 ** -48 * 12, 0, 6 + 2 ** -48 * 12]);
  const [below, low, above, high] = of(0, -1, 3) as [number, number, number, number];
  expect([below, above]).toEqual([1, 0.75]);
  expect(low).toBeCloseTo(0, 5);
  expect(high).toBeCloseTo(0.75, 5);
  expect(of(0, -3, 1)[0]).toBe(0);
  expect(of(0.25, -4, 1)[0]).toBe(0.25);
});

it('takes a point for an interval', () => {
  const { low, high, lowerSlope, upperSlope } = relax(rectifier(0, Infinity), [0], { lower: [0], upper: [0] });
  expect([low[0], high[0]]).toEqual([0, 0]);
  expect([lowerSlope[0], upperSlope[0]].every(Number.isFinite)).toBe(true);
});
