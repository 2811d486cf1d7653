import { expect, test } from 'vitest';
import { hardSwish, hardSwishDerivative, hardSwishSecondDerivative } from './hard-swish.js';
import { relu, reluBackward, reluDerivative, reluSecondDerivative } from './relu.js';
import { relu6, relu6Derivative } from './relu6.js';
import { thresholdedRelu, thresholdedReluDerivative, thresholdedReluRectifier } from './thresholded-relu.js';

const x = [-Infinity, -3, -5e-324, -0, 0, 5e-324, 2, 6, Infinity, NaN];

test('ReLU', () => {
  const y = [0, 0, 0, 0, 0, 5e-324, 2, 6, Infinity, NaN];
  expect(relu(x)).toEqual(y);
  expect(x.map(value => relu(value))).toEqual(y);
  expect(reluDerivative(x)).toEqual([0, 0, 0, 0, 0, 1, 1, 1, 1, NaN]);
  expect(reluDerivative([-0, 0], { atZero: 'one' })).toEqual([1, 1]);
  expect(reluDerivative(0, { atZero: 'half' })).toBe(0.5);
  expect(reluSecondDerivative(x)).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, NaN]);
});

test('ReLU backward selects: nothing passes where x is not positive', () => {
  const dy = x.map((_, i) => (i % 2 === 0 ? Infinity : -i));
  expect(reluBackward(x, dy)).toEqual(x.map((value, i) => (value > 0 ? dy[i] : 0)));
  const held = Float32Array.from(dy);
  expect(reluBackward(x, held, { out: held })).toBe(held);
  expect(() => reluBackward(x, [1])).toThrow(new RangeError('reluBackward: dy must have length 10 (that of x), got 1'));
});

test('ReLU6', () => {
  expect(relu6(x)).toEqual([0, 0, 0, 0, 0, 5e-324, 2, 6, 6, NaN]);
  expect(relu6Derivative(x)).toEqual([0, 0, 0, 0, 0, 1, 1, 0, 0, NaN]);
  expect(relu6Derivative(0, { atZero: 'one' })).toBe(1);
});

test('thresholded ReLU', () => {
  expect(thresholdedRelu(x, { theta: 2 })).toEqual([0, 0, 0, 0, 0, 0, 0, 6, Infinity, NaN]);
  expect(thresholdedRelu([-3, -1], { theta: -2 })).toEqual([0, -1]);
  expect(thresholdedReluDerivative(x, { theta: 2 })).toEqual([0, 0, 0, 0, 0, 0, 0, 1, 1, NaN]);
  expect(thresholdedReluRectifier(-2)).toMatchObject({ range: [-2, Infinity], lipschitz: Infinity, monotone: false });
  expect(thresholdedReluRectifier(0)).toMatchObject({ range: [0, Infinity], lipschitz: 1, monotone: true });
  expect(() => thresholdedRelu(1, { theta: Infinity })).toThrow(
    new RangeError('thresholdedRelu: theta must be finite, got Infinity'),
  );
});

test('hard swish', () => {
  expect(hardSwish(x)).toEqual([0, 0, -5e-324 / 2, -0, 0, 5e-324 / 2, 10 / 6, 6, Infinity, NaN]);
  expect(hardSwishDerivative([-Infinity, -3, 0, 3, NaN])).toEqual([0, 0, 0.5, 1, NaN]);
  expect(hardSwishSecondDerivative([-Infinity, -3, 0, 3, NaN])).toEqual([0, 0, 1 / 3, 0, NaN]);
});
