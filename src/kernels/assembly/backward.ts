import { exactSum, exactTerm, inputGradient, inputGradientOne, slopeTerm, slopeTermOne, trusted, turnsTo1 } from './gradients';
import { across, bytes, fewer, lower, upper } from './lanes';

/** Elements whose terms are added up in float32 before they go to float64: few enough to stay in the nearest cache, and accurate. */
const BLOCK: u32 = 512;

/** What dx takes the place of: that is kept until the sum of its block is known to be right. */
const NEITHER: i32 = 0;
const X: i32 = 1;
const DY: i32 = 2;

/** Four elements: stores their dx, and what that replaces at `kept`; returns their terms. */
@inline
function four(x: usize, dy: usize, dx: usize, a: v128, turns: v128, k: v128, kinked: bool, kept: usize, replaced: i32): v128 {
  const value = v128.load(x);
  const gradient = v128.load(dy);
  if (replaced == X) v128.store(kept, value);
  if (replaced == DY) v128.store(kept, gradient);
  v128.store(dx, inputGradient(value, gradient, a, turns, k, kinked));
  return slopeTerm(value, gradient);
}

/**
 * dx of a block of `count` elements, a multiple of 8, and the sum of its terms: in float32, or in float64 where that is not to be trusted. Four sums, so that
 * no addition waits for the one before.
 */
@inline
function block(x: usize, dy: usize, dx: usize, count: u32, a: v128, k: v128, kinked: bool, kept: usize, replaced: i32): f64 {
  const turns = turnsTo1(a);
  let sum0 = f32x4.splat(0);
  let sum1 = f32x4.splat(0);
  let sum2 = f32x4.splat(0);
  let sum3 = f32x4.splat(0);
  let v = x;
  let g = dy;
  let t = kept;
  for (const end = x + bytes(count & ~15); v < end; v += 64, g += 64, dx += 64, t += 64) {
    sum0 = f32x4.add(sum0, four(v, g, dx, a, turns, k, kinked, t, replaced));
    sum1 = f32x4.add(sum1, four(v + 16, g + 16, dx + 16, a, turns, k, kinked, t + 16, replaced));
    sum2 = f32x4.add(sum2, four(v + 32, g + 32, dx + 32, a, turns, k, kinked, t + 32, replaced));
    sum3 = f32x4.add(sum3, four(v + 48, g + 48, dx + 48, a, turns, k, kinked, t + 48, replaced));
  }
  if (count & 8) {
    sum0 = f32x4.add(sum0, four(v, g, dx, a, turns, k, kinked, t, replaced));
    sum1 = f32x4.add(sum1, four(v + 16, g + 16, dx + 16, a, turns, k, kinked, t + 16, replaced));
  }
  const sums = f32x4.add(f32x4.add(sum0, sum1), f32x4.add(sum2, sum3));
  if (i32x4.all_true(trusted(sums))) return across(f64x2.add(lower(sums), upper(sums)));
  return exactSum(replaced == X || (replaced == DY && x == dy) ? kept : x, replaced == DY ? kept : dy, count);
}

/** One run: dx, and what it teaches the slope. At `kept` is room for a block. */
@inline
function sweep(x: usize, dy: usize, dx: usize, count: u32, slope: f32, kink: f32, kinked: bool, kept: usize): f64 {
  const a = f32x4.splat(slope);
  const k = f32x4.splat(kink);
  const same = dx == dy ? DY : dx == x ? X : NEITHER;
  let sum: f64 = 0;
  for (let left = count & ~7; left > 0; ) {
    const part = fewer(left, BLOCK);
    if (same == NEITHER) sum += block(x, dy, dx, part, a, k, kinked, kept, NEITHER);
    else if (same == DY) sum += block(x, dy, dx, part, a, k, kinked, kept, DY);
    else sum += block(x, dy, dx, part, a, k, kinked, kept, X);
    x += bytes(part);
    dy += bytes(part);
    dx += bytes(part);
    left -= part;
  }
  for (const end = x + bytes(count & 7); x < end; x += 4, dy += 4, dx += 4) {
    const value = load<f32>(x);
    const gradient = load<f32>(dy);
    sum += slopeTermOne(value, gradient);
    store<f32>(dx, inputGradientOne(value, gradient, slope, kink));
  }
  return sum;
}

function sweepPlain(x: usize, dy: usize, dx: usize, count: u32, slope: f32, kept: usize): f64 {
  return sweep(x, dy, dx, count, slope, slope, false, kept);
}

function sweepKinked(x: usize, dy: usize, dx: usize, count: u32, slope: f32, kink: f32, kept: usize): f64 {
  return sweep(x, dy, dx, count, slope, kink, true, kept);
}

/**
 * dx = dy * (x > 0 ? 1 : a_c) in runs of `inner` elements, at x = 0 with the factor of `kinks` (0: the slope's), and Σ dy * min(x, 0)
 * added to the float64 `sums` of the channels, behind which there is room for a block. The first element is the one `within` the run of `channel`. dx may be x or dy.
 */
export function backwardRuns(
  x: usize,
  dy: usize,
  dx: usize,
  count: u32,
  channel: u32,
  within: u32,
  channels: u32,
  inner: u32,
  slopes: usize,
  kinks: usize,
  sums: usize,
): void {
  const kept = sums + (bytes(channels) << 1);
  while (count > 0) {
    const part = fewer(inner - within, count);
    const slope = load<f32>(slopes + bytes(channel));
    const taught =
      kinks == 0
        ? sweepPlain(x, dy, dx, part, slope, kept)
        : sweepKinked(x, dy, dx, part, slope, load<f32>(kinks + bytes(channel)), kept);
    const sum = sums + (bytes(channel) << 1);
    store<f64>(sum, load<f64>(sum) + taught);
    within = 0;
    channel = channel + 1 == channels ? 0 : channel + 1;
    x += bytes(part);
    dy += bytes(part);
    dx += bytes(part);
    count -= part;
  }
}

/**
 * One row. Its columns have a sum each, so that there is no short block to add up in float32: each term is exact in float64 and
 * goes to its sum at once.
 */
@inline
function row(
  x: usize,
  dy: usize,
  dx: usize,
  width: u32,
  slopes: usize,
  kinks: usize,
  kinked: bool,
  sums: usize,
): void {
  const end = x + bytes(width);
  for (const vectors = end - bytes(width & 3); x < vectors; x += 16, dy += 16, dx += 16, slopes += 16, sums += 32) {
    const value = v128.load(x);
    const gradient = v128.load(dy);
    const a = v128.load(slopes);
    v128.store(sums, f64x2.add(v128.load(sums), exactTerm(value, gradient, false)));
    v128.store(sums, f64x2.add(v128.load(sums, 16), exactTerm(value, gradient, true)), 16);
    v128.store(dx, inputGradient(value, gradient, a, turnsTo1(a), kinked ? v128.load(kinks) : a, kinked));
    if (kinked) kinks += 16;
  }
  for (; x < end; x += 4, dy += 4, dx += 4, slopes += 4, sums += 8) {
    const value = load<f32>(x);
    const gradient = load<f32>(dy);
    const a = load<f32>(slopes);
    store<f64>(sums, load<f64>(sums) + slopeTermOne(value, gradient));
    store<f32>(dx, inputGradientOne(value, gradient, a, kinked ? load<f32>(kinks) : a));
    if (kinked) kinks += 4;
  }
}

function rowPlain(x: usize, dy: usize, dx: usize, width: u32, slopes: usize, sums: usize): void {
  row(x, dy, dx, width, slopes, slopes, false, sums);
}

function rowKinked(x: usize, dy: usize, dx: usize, width: u32, slopes: usize, kinks: usize, sums: usize): void {
  row(x, dy, dx, width, slopes, kinks, true, sums);
}

/** The same in rows of `width` elements, each column with its own slope and sum; `count` is a multiple of `width`. */
export function backwardRows(
  x: usize,
  dy: usize,
  dx: usize,
  count: u32,
  width: u32,
  slopes: usize,
  kinks: usize,
  sums: usize,
): void {
  const stride = bytes(width);
  for (const end = x + bytes(count); x < end; x += stride, dy += stride, dx += stride) {
    if (kinks == 0) rowPlain(x, dy, dx, width, slopes, sums);
    else rowKinked(x, dy, dx, width, slopes, kinks, sums);
  }
}
