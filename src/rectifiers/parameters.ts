import { describe, isFloat32 } from './floats.js';

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

/**
 * The parameter as functions of x use it: rounded to float32 for a Float32Array, where tiny ones become 0. Throws a RangeError for
 * one that is not finite there.
 */
export function fitted(operation: string, name: string, value: number, x: unknown): number {
  if (typeof x === 'number' || !isFloat32(x)) return value;
  const single = Math.fround(value);
  if (!Number.isFinite(single)) throw new RangeError(`${operation}: ${name} must be finite in float32, got ${value}`);
  return single;
}

/** `fitted` for what is divided by: throws a RangeError also for one that float32 rounds to 0. */
export function fittedDivisor(operation: string, name: string, value: number, x: unknown): number {
  const divisor = fitted(operation, name, value, x);
  if (divisor === 0) throw new RangeError(`${operation}: ${name} must not be 0 in float32, got ${value}`);
  return divisor;
}

/** Throws a TypeError unless the options are an object; `such` is one. */
export function refuseNonObject(operation: string, options: unknown, such: string): void {
  if (typeof options !== 'object' || options === null)
    throw new TypeError(`${operation}: options must be an object such as ${such}, got ${describe(options)}`);
}

/** What functions and kernels take beside their parameters. */
const shared = ['out', 'atZero', 'path'];

/** Throws a TypeError for options that give something of another name than these: it is misspelled, and would not count. */
export function refuseMisspelled(operation: string, options: object, ...names: readonly string[]): void {
  for (const key in options)
    if (options[key as never] !== undefined && !names.includes(key) && !shared.includes(key))
      throw new TypeError(`${operation}: options must give ${names.join(' or ')}, got ${key}`);
}

/** A parameter as labels show it: rounded, with a true minus sign. */
export const rounded = (value: number, digits = 4): string =>
  String(Number(value.toPrecision(digits))).replaceAll('-', '\u2212');
