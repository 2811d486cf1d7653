import { blockSum, exactTerm, inputGradient, inputGradientOne, settledSum, slopeTerm, slopeTermOne } from './gradients';
import { bytes, fewer } from './lanes';

/** Elements whose terms are added up in float32 before they go to float64: few enough to stay in the nearest cache, and accurate. */
const BLOCK: u32 = 512;

/** dx of a block of `count` elements, a multiple of 8. */
@inline
function spread(x: usize, dy: usize, dx: usize, count: u32, a: v128, k: v128, kinked: bool): void {
  for (const end = x + bytes(count); x < end; x += 32, dy += 32, dx += 32) {
    const x0 = v128.load(x);
    const x1 = v128.load(x, 16);
    const dy0 = v128.load(dy);
    const dy1 = v128.load(dy, 16);
    v128.store(dx, inputGradient(x0, dy0, a, k, kinked));
    v128.store(dx, inputGradient(x1, dy1, a, k, kinked), 16);
  }
}

/** dx of a block and the sum of its terms, in one walk; dx must be neither x nor dy, which are read again where float32 is not enough. */
@inline
function spreadAndSum(x: usize, dy: usize, dx: usize, count: u32, a: v128, k: v128, kinked: bool): f64 {
  let sum0 = f32x4.splat(0);
  let sum1 = f32x4.splat(0);
  let v = x;
  let g = dy;
  for (const end = x + bytes(count); v < end; v += 32, g += 32, dx += 32) {
    const x0 = v128.load(v);
    const x1 = v128.load(v, 16);
    const dy0 = v128.load(g);
    const dy1 = v128.load(g, 16);
    sum0 = f32x4.add(sum0, slopeTerm(x0, dy0));
    sum1 = f32x4.add(sum1, slopeTerm(x1, dy1));
    v128.store(dx, inputGradient(x0, dy0, a, k, kinked));
    v128.store(dx, inputGradient(x1, dy1, a, k, kinked), 16);
  }
  return settledSum(f32x4.add(sum0, sum1), x, dy, count);
}

/** One run: dx, and what it teaches the slope. Where dx is x or dy, sums come before it is written. */
@inline
function sweep(x: usize, dy: usize, dx: usize, count: u32, slope: f32, kink: f32, kinked: bool): f64 {
  const a = f32x4.splat(slope);
  const k = f32x4.splat(kink);
  const apart = dx != x && dx != dy;
  let sum: f64 = 0;
  for (let left = count & ~7; left > 0; ) {
    const part = fewer(left, BLOCK);
    if (apart) sum += spreadAndSum(x, dy, dx, part, a, k, kinked);
    else {
      sum += blockSum(x, dy, part);
      spread(x, dy, dx, part, a, k, kinked);
    }
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

function sweepPlain(x: usize, dy: usize, dx: usize, count: u32, slope: f32): f64 {
  return sweep(x, dy, dx, count, slope, slope, false);
}

function sweepKinked(x: usize, dy: usize, dx: usize, count: u32, slope: f32, kink: f32): f64 {
  return sweep(x, dy, dx, count, slope, kink, true);
}

/**
 * dx = dy * (x > 0 ? 1 : a_c) in runs of `inner` elements, at x = 0 with the factor of `kinks` (0: the slope's), and Σ dy * min(x, 0)
 * added to the float64 `sums` of the channels. The first element is the one `within` the run of `channel`. dx may be x or dy.
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
  while (count > 0) {
    const part = fewer(inner - within, count);
    const slope = load<f32>(slopes + bytes(channel));
    const taught =
      kinks == 0
        ? sweepPlain(x, dy, dx, part, slope)
        : sweepKinked(x, dy, dx, part, slope, load<f32>(kinks + bytes(channel)));
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
    v128.store(dx, inputGradient(value, gradient, a, kinked ? v128.load(kinks) : a, kinked));
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
