import { type Loop, total } from './elementwise.js';
import type { Elements } from './floats.js';
import { fittedDivisor, positive } from './parameters.js';

/**
 * The definition everything else is tested against: x for x > 0, a*x for x <= 0 and NaN. `max(a*x, x)` is the same only for
 * a <= 1.
 */
export const slopeValue = (x: number, a: number): number => (x > 0 ? x : a * x);

/** `slopeValue` over arrays, the factor looked up instead of branched to: a CPU cannot predict random signs (measured: 2 against 6 ns an element). */
export const slopeValues: Loop = (x, y, a) => {
  const factors = Float64Array.of(a, 1);
  for (let i = 0; i < x.length; i++) {
    const value = x[i]!;
    y[i] = value * factors[Number(value > 0)]!;
  }
};

/** 1 for x > 0, a for x < 0, z at 0, NaN for NaN. */
export const slopeDerivative = (x: number, a: number, z: number): number => (x > 0 ? 1 : x < 0 ? a : x === 0 ? z : x);

/** `slopeDerivative` over arrays, looked up as well. */
export const slopeDerivatives: Loop = (x, y, a, z) => {
  const derivatives = Float64Array.of(z, a, 1, Number.NaN);
  for (let i = 0; i < x.length; i++) {
    const value = x[i]!;
    y[i] = derivatives[Number(value < 0) + 2 * Number(value > 0) + 3 * Number(Number.isNaN(value))]!;
  }
};

export const slopeInverse = (y: number, a: number): number => (y > 0 ? y : y / a);

export const slopeInverses: Loop = (y, x, a) => {
  const divisors = Float64Array.of(a, 1);
  for (let i = 0; i < y.length; i++) x[i] = y[i]! / divisors[Number(y[i]! > 0)]!;
};

/** The slope as an inverse of y divides by it; throws a RangeError unless it is above 0. */
export const invertibleSlope = (operation: string, name: string, slope: number, y?: Elements): number =>
  fittedDivisor(operation, name, positive(operation, name, slope, ', for the function to have an inverse'), y);

const isNegative = (x: number): number => (Number.isNaN(x) ? x : Number(x < 0));

/** Σ ln |f'|: the number of negative elements times ln a; never -0. */
export const slopeLogDet = (operation: string, x: Elements, a: number): number =>
  total(operation, x, isNegative) * Math.log(a) + 0;

/** The second derivative of anything made of lines: 0, NaN for NaN. */
export const flat = (x: number): number => (Number.isNaN(x) ? x : 0);

export const flats: Loop = (x, y) => {
  for (let i = 0; i < x.length; i++) y[i] = Number.isNaN(x[i]!) ? Number.NaN : 0;
};

/** min(x, 0), which is also the slope's gradient; 0 at -0, NaN for NaN. */
export const negativePart = (x: number): number => (x < 0 || Number.isNaN(x) ? x : 0);

/** `negativePart` over arrays: one of two cells is picked, not branched to. */
export const negativeParts: Loop = (x, y) => {
  const cells = new Float64Array(2);
  for (let i = 0; i < x.length; i++) {
    const value = x[i]!;
    cells[1] = value;
    y[i] = cells[Number(!(value >= 0))]!;
  }
};
