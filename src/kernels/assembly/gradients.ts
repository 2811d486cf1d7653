import { across, acrossFour, bytes, lower, upper } from './lanes';

/** The bits in which slopes differ from 1: what `chosen` has to turn. */
@inline
export function turnsTo1(a: v128): v128 {
  return v128.xor(a, f32x4.splat(1));
}

/** 1 in the lanes that are `positive`, a in the others; `turns` is turnsTo1(a). Two operations, where a select takes three. */
@inline
export function chosen(positive: v128, a: v128, turns: v128): v128 {
  return v128.xor(a, v128.and(turns, positive));
}

/** dy * (x > 0 ? 1 : a) in four lanes, `turns` as in `chosen`; at x = 0, where the kink has a slope of its own, a is turned into that k. */
@inline
export function inputGradient(x: v128, dy: v128, a: v128, turns: v128, k: v128, kinked: bool): v128 {
  const zero = f32x4.splat(0);
  const factor = chosen(f32x4.gt(x, zero), a, turns);
  return f32x4.mul(dy, kinked ? v128.xor(factor, v128.and(v128.xor(a, k), f32x4.eq(x, zero))) : factor);
}

/** The same for one number; k is a where the kink has none of its own. */
@inline
export function inputGradientOne(x: f32, dy: f32, a: f32, k: f32): f32 {
  return x > 0 ? dy : dy * (x == 0 ? k : a);
}

/** dy * x where x is negative or NaN, else a zero, or NaN where dy is not finite. */
@inline
export function slopeTerm(x: v128, dy: v128): v128 {
  return f32x4.mul(f32x4.pmin(x, f32x4.splat(0)), dy);
}

/** dy * x where x is negative or NaN, else 0 whatever dy is: of one number in float64, where the product of two float32 is exact. */
@inline
export function slopeTermOne(x: f32, dy: f32): f64 {
  return x >= 0 ? 0 : <f64>x * <f64>dy;
}

/** The same for the lower or upper two of four lanes. */
@inline
export function exactTerm(x: v128, dy: v128, isUpper: bool): v128 {
  const passed = f32x4.ge(x, f32x4.splat(0));
  const negative = v128.andnot(x, passed);
  const gradient = v128.andnot(dy, passed);
  return isUpper
    ? f64x2.mul(upper(negative), upper(gradient))
    : f64x2.mul(lower(negative), lower(gradient));
}

/** Sums below this in float32 may have lost terms to underflow: 2^-100. */
const SMALLEST: f32 = 7.888609052210118e-31;

/** Which lanes hold sums that neither overflow nor underflow has touched. */
@inline
export function trusted(sums: v128): v128 {
  const size = f32x4.abs(sums);
  return v128.and(f32x4.ge(size, f32x4.splat(SMALLEST)), f32x4.lt(size, f32x4.splat(Infinity)));
}

/** Lanes of `count` elements x + b, a multiple of 4, in which no x has a minus or every dy is 0: what was added up there to 0 is 0. */
function idle(x: usize, dy: usize, count: u32, b: v128): v128 {
  let minus = i32x4.splat(0);
  let gradients = i32x4.splat(0);
  for (const end = x + bytes(count); x < end; x += 16, dy += 16) {
    minus = v128.or(minus, f32x4.add(v128.load(x), b));
    gradients = v128.or(gradients, v128.load(dy));
  }
  const zero = i32x4.splat(0);
  return v128.or(i32x4.ge_s(minus, zero), i32x4.eq(i32x4.shl(gradients, 1), zero));
}

/** The terms of `count` elements x + b, a multiple of 4, added up in float64; b is 0 where there is none. */
function exactTerms(x: usize, dy: usize, count: u32, b: v128): f64 {
  let sum = f64x2.splat(0);
  for (const end = x + bytes(count); x < end; x += 16, dy += 16) {
    const value = f32x4.add(v128.load(x), b);
    const gradient = v128.load(dy);
    sum = f64x2.add(sum, f64x2.add(exactTerm(value, gradient, false), exactTerm(value, gradient, true)));
  }
  return across(sum);
}

/** The sum of terms that gave `sums` in float32, not all of which are trusted: as it is where the others are 0 because nothing was added, else in float64. */
export function settledTerms(sums: v128, x: usize, dy: usize, count: u32, b: v128): f64 {
  const empty = v128.and(f32x4.eq(sums, f32x4.splat(0)), idle(x, dy, count, b));
  if (i32x4.all_true(v128.or(trusted(sums), empty))) return acrossFour(sums);
  return exactTerms(x, dy, count, b);
}

/** `count` numbers, a multiple of 4, added up in float64. */
export function exactSum(values: usize, count: u32): f64 {
  let sum = f64x2.splat(0);
  for (const end = values + bytes(count); values < end; values += 16) {
    const four = v128.load(values);
    sum = f64x2.add(sum, f64x2.add(lower(four), upper(four)));
  }
  return across(sum);
}
