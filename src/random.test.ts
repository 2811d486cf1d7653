import { describe, expect, test } from 'vitest';
import { createRandom } from './random.js';

const draw = (count: number, next: () => number) => Array.from({ length: count }, next);
const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const moment = (values: number[], power: number) => mean(values.map(value => value ** power));

describe('createRandom', () => {
  test('the same seed gives the same numbers, another seed others', () => {
    const first = createRandom(7);
    const second = createRandom(7);
    expect(draw(50, first.uniform)).toEqual(draw(50, second.uniform));
    expect(draw(51, first.normal)).toEqual(draw(51, second.normal));
    expect(draw(5, createRandom(8).uniform)).not.toEqual(draw(5, createRandom(7).uniform));
  });

  test('the numbers of seed 1 stay what they are from release to release', () => {
    const random = createRandom(1);
    expect(draw(3, () => random.integer(2 ** 32))).toMatchInlineSnapshot(`
      [
        2374008806,
        3592814348,
        2678731286,
      ]
    `);
  });

  test('neighbouring, negative and fractional seeds are unrelated', () => {
    const seeds = [0, 1, 2, 3, -1, 0.5, 1.5, 2 ** 31, 2 ** 32, 2 ** 40 + 1];
    const firsts = seeds.map(seed => createRandom(seed).uniform());
    expect(new Set(firsts).size).toBe(seeds.length);
    expect(mean(draw(1000, () => 0).map((_, seed) => createRandom(seed).uniform()))).toBeCloseTo(0.5, 1);
  });

  test('uniform has mean 1/2, variance 1/12 and no serial correlation', () => {
    const values = draw(200_000, createRandom(3).uniform);
    expect(Math.min(...values.slice(0, 50_000))).toBeGreaterThanOrEqual(0);
    expect(Math.max(...values.slice(0, 50_000))).toBeLessThan(1);
    const centred = values.map(value => value - 0.5);
    expect(mean(centred)).toBeCloseTo(0, 2);
    expect(moment(centred, 2)).toBeCloseTo(1 / 12, 3);
    expect(mean(centred.slice(1).map((value, index) => value * centred[index]!))).toBeCloseTo(0, 3);
  });

  test('normal has mean 0, variance 1, no skew and kurtosis 3', () => {
    const values = draw(200_000, createRandom(4).normal);
    expect(values.every(Number.isFinite)).toBe(true);
    expect(mean(values)).toBeCloseTo(0, 2);
    expect(Math.abs(moment(values, 2) - 1)).toBeLessThan(0.02);
    expect(Math.abs(moment(values, 3))).toBeLessThan(0.05);
    expect(Math.abs(moment(values, 4) - 3)).toBeLessThan(0.1);
  });

  test('integer(n) reaches 0 … n - 1 evenly', () => {
    const random = createRandom(5);
    const counts = [0, 0, 0, 0, 0];
    for (const value of draw(50_000, () => random.integer(5))) counts[value]!++;
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(500);
    expect(random.integer(1)).toBe(0);
  });
});

test('a seed is a number', () => {
  expect(() => createRandom(Number.NaN)).toThrow('createRandom: seed must be a number, got NaN');
  expect(() => createRandom('1' as never)).toThrow("createRandom: seed must be a number, got '1'");
});
