import { expect, test } from 'vitest';
import { leakyReluRectifier } from '../rectifiers/leaky-relu.js';
import { dksLeaky } from './dks-leaky.js';
import { gaussianMean } from './gaussian-product.js';
import { resNet } from './res-net.js';

/** Computed independently for ζ = 1.5: depth, a layer's slope, negative slope, output shift, output scale. */
test.each([
  [2, 1.224744871391589, 0.22220924523275706, -0.3102936173819954, 1.527819513596618],
  [10, 1.0413797439924106, 0.5898066780856297, -0.16364345924995788, 1.243069035041045],
  [50, 1.0081422716124293, 0.7963707053933389, -0.08123633514691656, 1.1107657248579539],
])('a plain network of depth %d', (depth, localSlope, negativeSlope, outputShift, outputScale) => {
  const found = dksLeaky({ depth });
  expect(found?.localSlope).toBeCloseTo(localSlope, 12);
  expect(found?.negativeSlope).toBeCloseTo(negativeSlope, 9);
  expect(found?.outputShift).toBeCloseTo(outputShift, 9);
  expect(found?.outputScale).toBeCloseTo(outputScale, 9);
});

test('a ResNet: its layers share the slope as its sums say', () => {
  const found = dksLeaky(resNet(101, { shortcutWeight: 0.6 }), { zeta: 1.2 });
  expect(found?.localSlope).toBeCloseTo(1.002770965849537, 12);
  expect(found?.negativeSlope).toBeCloseTo(0.8761257083222674, 9);
  expect(found?.outputShift).toBeCloseTo(-0.049418692405026846, 9);
  expect(found?.outputScale).toBeCloseTo(1.0651832700238426, 9);
});

test('a chain of parts is the plain network of their layers', () => {
  const [chain, plain] = [dksLeaky({ chain: [{ depth: 4 }, { depth: 6 }] }), dksLeaky({ depth: 10 })];
  expect(chain?.negativeSlope).toBeCloseTo(plain!.negativeSlope, 12);
});

test('the shaped function has mean 0, second moment 1 and the slope that was asked for', () => {
  const { negativeSlope, outputShift, outputScale, localSlope } = dksLeaky({ depth: 20 }, { zeta: 2 })!;
  const { value, derivative } = leakyReluRectifier(negativeSlope);
  const shaped = (x: number) => outputScale * (value(x) + outputShift);
  expect(gaussianMean(shaped, [0], 0, 1)).toBeCloseTo(0, 10);
  expect(gaussianMean(x => shaped(x) ** 2, [0], 0, 1)).toBeCloseTo(1, 10);
  expect(gaussianMean(x => (outputScale * derivative(x)) ** 2, [0], 0, 1)).toBeCloseTo(localSlope, 10);
  expect(localSlope ** 20).toBeCloseTo(2, 10);
});

test('there is none beyond the slope of ReLU, 1/(1 - 1/π)', () => {
  const steepest = 1 / (1 - 1 / Math.PI);
  expect(dksLeaky({ depth: 1 }, { zeta: steepest - 1e-9 })?.negativeSlope).toBeCloseTo(0, 8);
  expect(dksLeaky({ depth: 1 }, { zeta: steepest + 1e-9 })).toBeNull();
});

test.each([
  [() => dksLeaky({ depth: 5 }, { zeta: 1 }), 'dksLeaky: zeta must be greater than 1, got 1'],
  [() => dksLeaky({ depth: 5 }, { zeta: Infinity }), 'dksLeaky: zeta must be finite, got Infinity'],
  [() => dksLeaky({ depth: 0 }), 'dksLeaky: the network must have from 1 to 100,000 rectified layers, got 0'],
])('refuses %s', (make, message) => {
  expect(make).toThrow(RangeError);
  expect(make).toThrow(message);
});
