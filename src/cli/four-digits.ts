import { significant } from '../report/numbers.js';

/** A number to four digits. */
export const four = (x: number): string => significant(x, 4);

/** 0 for what is 0 up to the rounding of a quadrature, as SELU's mean is. */
export const withoutRounding = (x: number): number => (Math.abs(x) < 1e-12 ? 0 : x);
