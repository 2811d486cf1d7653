import { expect, test } from 'vitest';
import { gaussianMean, gaussianProduct } from './gaussian-product.js';

test.each([-1, -0.9999, -0.3, 0, 0.5, 0.999999, 1])('products of polynomials at correlation %f', c => {
  expect(gaussianProduct(x => x, [], c, 3)).toBeCloseTo(9 * c, 10);
  expect(gaussianProduct(x => x * x, [], c, 1)).toBeCloseTo(1 + 2 * c * c, 10);
  expect(gaussianProduct(x => x ** 3, [], c, 1)).toBeCloseTo(9 * c + 6 * c ** 3, 9);
});

test.each([-1, -0.9999, 0, 0.7, 0.999999, 1])('Sheppard: both above 0 with probability 1/4 + asin(c)/2π, at %f', c => {
  const above = (x: number) => Number(x > 0);
  expect(gaussianProduct(above, [0], c, 2)).toBeCloseTo(0.25 + Math.asin(c) / (2 * Math.PI), 9);
});

test('means, at standard deviation 0 too', () => {
  expect(gaussianMean(x => x * x, [], 1, 2)).toBeCloseTo(5, 11);
  expect(gaussianMean(Math.abs, [0], 0, 1)).toBeCloseTo(Math.sqrt(2 / Math.PI), 11);
  expect(gaussianMean(x => x * x, [], 3, 0)).toBe(9);
});
