import { asFloats, deliver, type Elements, type Floats, type OutOption, type Result, targetFor } from './floats.js';

/** A function of one number and up to three parameters. */
export type Scalar = (x: number, p: number, q: number, r: number) => number;

/**
 * The same function over arrays, y[i] = f(x[i]). Every function brings its own loop: one loop shared by all would call
 * each through a pointer, which costs more than most of them do (measured: 12 against 3 ns an element).
 */
export type Loop = (x: Floats, y: Floats, p: number, q: number, r: number) => void;

/**
 * Lifts a function of numbers to numbers and arrays of any float kind. Where `x` is a Float32Array the parameters must have been
 * rounded to float32 (`fitted`): products of two float32 numbers are exact in float64, so that rectifiers give to the bit
 * what float32 arithmetic elsewhere gives.
 */
export function elementwise<X extends Elements>(
  operation: string,
  x: X,
  options: OutOption<X>,
  scalar: Scalar,
  loop: Loop,
  p = 0,
  q = 0,
  r = 0,
): Result<X> {
  const out = options?.out;
  if (typeof x === 'number') {
    if (out !== undefined) throw new TypeError(`${operation}: out must be left out where x is a number`);
    return scalar(x, p, q, r) as Result<X>;
  }
  const source = asFloats(operation, 'x', x);
  const target = targetFor(operation, x, out);
  loop(source, target, p, q, r);
  return deliver(x, out, target);
}

/** The sum of a function over a number or an array, in float64: what log-determinants are. */
export function total(operation: string, x: Elements, term: (x: number) => number): number {
  if (typeof x === 'number') return term(x);
  const values = asFloats(operation, 'x', x);
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += term(values[i]!);
  return sum;
}
