import { describe } from './floats.js';

/** The parameter, once it is a finite number. */
export function finite(operation: string, name: string, value: number): number {
  if (typeof value !== 'number') throw new TypeError(`${operation}: ${name} must be a number, got ${describe(value)}`);
  if (!Number.isFinite(value)) throw new RangeError(`${operation}: ${name} must be finite, got ${value}`);
  return value;
}

/** The parameter, once it is a finite number above 0. `why` says what for. */
export function positive(operation: string, name: string, value: number, why = ''): number {
  if (finite(operation, name, value) <= 0)
    throw new RangeError(`${operation}: ${name} must be greater than 0${why}, got ${value}`);
  return value;
}

/** The parameter, once it is a whole number from `lowest` to 2^53 - 1. */
export function whole(operation: string, name: string, value: number, lowest: number): number {
  if (!Number.isSafeInteger(value) || value < lowest)
    throw new RangeError(
      `${operation}: ${name} must be a whole number from ${lowest} to 2^53 - 1, got ${describe(value)}`,
    );
  return value;
}

/** A parameter as labels show it: rounded, with a true minus sign. */
export const rounded = (value: number, digits = 4): string =>
  String(Number(value.toPrecision(digits))).replaceAll('-', '\u2212');
