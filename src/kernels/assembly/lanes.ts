/** How lanes are rectified: what is exact depends on the slope. */
export const SELECT: i32 = 0;
export const MAX: i32 = 1;
export const MIN: i32 = 2;

/**
 * The way that is exact for a slope a. The larger of x and a*x is the rectifier for 0 < a <= 1, the smaller for a >= 1;
 * neither is at a = 0, where 0 * -Infinity is NaN, nor below.
 */
@inline
export function wayFor(a: f32): i32 {
  if (a > 0 && a <= 1) return MAX;
  if (a > 1) return MIN;
  return SELECT;
}

/** x > 0 ? x : a * x in four lanes. */
@inline
export function rectify(x: v128, a: v128, way: i32): v128 {
  const scaled = f32x4.mul(a, x);
  if (way == MAX) return f32x4.pmax(x, scaled);
  if (way == MIN) return f32x4.pmin(x, scaled);
  return v128.bitselect(x, scaled, f32x4.gt(x, f32x4.splat(0)));
}

/** The same for one number. */
@inline
export function rectifyOne(x: f32, a: f32): f32 {
  return x > 0 ? x : a * x;
}

/** The first two lanes as float64. */
@inline
export function lower(x: v128): v128 {
  return f64x2.promote_low_f32x4(x);
}

/** The last two lanes as float64. */
@inline
export function upper(x: v128): v128 {
  return f64x2.promote_low_f32x4(i64x2.shuffle(x, x, 1, 0));
}

/** Both lanes added up. */
@inline
export function across(x: v128): f64 {
  return f64x2.extract_lane(x, 0) + f64x2.extract_lane(x, 1);
}

/** Four lanes added up in float64. */
@inline
export function acrossFour(sums: v128): f64 {
  return across(f64x2.add(lower(sums), upper(sums)));
}

/** The fewer of two counts. */
@inline
export function fewer(a: u32, b: u32): u32 {
  return a < b ? a : b;
}

/** The bytes that so many float32 take. */
@inline
export function bytes(count: u32): usize {
  return (<usize>count) << 2;
}
