import { exactSum, exactTerm, inputGradient, inputGradientOne, settledTerms, slopeTerm, slopeTermOne, trusted, turnsTo1 } from './gradients';
import { acrossFour, bytes, fewer, lower, upper } from './lanes';

/**
 * Elements whose terms are added up in float32 before they go to float64: so few that none is rounded more than sixteen times, as a
 * product and in sums, so that the sum is off by at most 16 * 2^-24 < 1e-6 of that of their sizes.
 */
const BLOCK: u32 = 192;

/** What dx takes the place of. */
const NEITHER: i32 = 0;
const X: i32 = 1;
const DY: i32 = 2;

/** Adds two terms to as many float64 sums. */
@inline
function addTwo(sums: usize, terms: v128): void {
  v128.store(sums, f64x2.add(v128.load(sums), terms));
}

/** Adds a term to a float64 sum. */
@inline
function addOne(sum: usize, term: f64): void {
  store<f64>(sum, load<f64>(sum) + term);
}

/** Four elements, with b added to x where `biased`: stores their dx and, where that takes the place of x or dy, what was there at `kept`; returns their terms. */
@inline
function four(x: usize, dy: usize, dx: usize, a: v128, turns: v128, k: v128, kinked: bool, b: v128, biased: bool, kept: usize, replaced: i32): v128 {
  const input = v128.load(x);
  const gradient = v128.load(dy);
  if (replaced == X) v128.store(kept, input);
  if (replaced == DY) v128.store(kept, gradient);
  const value = biased ? f32x4.add(input, b) : input;
  v128.store(dx, inputGradient(value, gradient, a, turns, k, kinked));
  return slopeTerm(value, gradient);
}

/** Four vectors added up. */
@inline
function sumOf(v0: v128, v1: v128, v2: v128, v3: v128): v128 {
  return f32x4.add(f32x4.add(v0, v1), f32x4.add(v2, v3));
}

/**
 * dx of a block of `count` elements, a multiple of 4, and the sum of its terms: in float32, or in float64 where that is not to be trusted. Four sums, so that
 * no addition waits for the one before. Where `biased`, b is added to x first, and the sum of dx is added to the float64 number at `biasSum`.
 */
@inline
function block(x: usize, dy: usize, dx: usize, count: u32, a: v128, k: v128, kinked: bool, b: v128, biased: bool, biasSum: usize, kept: usize, replaced: i32): f64 {
  const turns = turnsTo1(a);
  let sum0 = f32x4.splat(0);
  let sum1 = f32x4.splat(0);
  let sum2 = f32x4.splat(0);
  let sum3 = f32x4.splat(0);
  let passed = f32x4.splat(0);
  let v = x;
  let g = dy;
  let d = dx;
  let t = kept;
  for (const end = x + bytes(count & ~15); v < end; v += 64, g += 64, d += 64, t += 64) {
    sum0 = f32x4.add(sum0, four(v, g, d, a, turns, k, kinked, b, biased, t, replaced));
    sum1 = f32x4.add(sum1, four(v + 16, g + 16, d + 16, a, turns, k, kinked, b, biased, t + 16, replaced));
    sum2 = f32x4.add(sum2, four(v + 32, g + 32, d + 32, a, turns, k, kinked, b, biased, t + 32, replaced));
    sum3 = f32x4.add(sum3, four(v + 48, g + 48, d + 48, a, turns, k, kinked, b, biased, t + 48, replaced));
    if (biased) passed = f32x4.add(passed, sumOf(v128.load(d), v128.load(d, 16), v128.load(d, 32), v128.load(d, 48)));
  }
  for (const end = v + bytes(count & 12); v < end; v += 16, g += 16, d += 16, t += 16) {
    sum0 = f32x4.add(sum0, four(v, g, d, a, turns, k, kinked, b, biased, t, replaced));
    if (biased) passed = f32x4.add(passed, v128.load(d));
  }
  if (biased) addOne(biasSum, i32x4.all_true(trusted(passed)) ? acrossFour(passed) : exactSum(dx, count));
  const sums = sumOf(sum0, sum1, sum2, sum3);
  if (i32x4.all_true(trusted(sums))) return acrossFour(sums);
  return settledTerms(sums, replaced != NEITHER && dx == x ? kept : x, replaced == DY ? kept : dy, count, b);
}

/**
 * One run: dx, and what it teaches the slope; where `biased`, what it teaches the bias is added to the number at `biasSum`. At `kept` is room for a block: what dx takes the
 * place of is kept there until the sum of the block is known to be right.
 */
@inline
function sweep(x: usize, dy: usize, dx: usize, count: u32, slope: f32, kink: f32, kinked: bool, bias: f32, biased: bool, biasSum: usize, kept: usize): f64 {
  const a = f32x4.splat(slope);
  const k = f32x4.splat(kink);
  const b = f32x4.splat(bias);
  const replaced = dx == dy ? DY : dx == x ? X : NEITHER;
  let sum: f64 = 0;
  for (let left = count & ~3; left > 0; ) {
    const part = fewer(left, BLOCK);
    if (replaced == NEITHER) sum += block(x, dy, dx, part, a, k, kinked, b, biased, biasSum, kept, NEITHER);
    else if (replaced == DY) sum += block(x, dy, dx, part, a, k, kinked, b, biased, biasSum, kept, DY);
    else sum += block(x, dy, dx, part, a, k, kinked, b, biased, biasSum, kept, X);
    x += bytes(part);
    dy += bytes(part);
    dx += bytes(part);
    left -= part;
  }
  for (const end = x + bytes(count & 3); x < end; x += 4, dy += 4, dx += 4) {
    const value = biased ? load<f32>(x) + bias : load<f32>(x);
    const gradient = load<f32>(dy);
    const passed = inputGradientOne(value, gradient, slope, kink);
    sum += slopeTermOne(value, gradient);
    if (biased) addOne(biasSum, <f64>passed);
    store<f32>(dx, passed);
  }
  return sum;
}

function sweepPlain(x: usize, dy: usize, dx: usize, count: u32, slope: f32, kept: usize): f64 {
  return sweep(x, dy, dx, count, slope, slope, false, 0, false, 0, kept);
}

function sweepKinked(x: usize, dy: usize, dx: usize, count: u32, slope: f32, kink: f32, kept: usize): f64 {
  return sweep(x, dy, dx, count, slope, kink, true, 0, false, 0, kept);
}

function sweepBiased(x: usize, dy: usize, dx: usize, count: u32, slope: f32, bias: f32, biasSum: usize, kept: usize): f64 {
  return sweep(x, dy, dx, count, slope, slope, false, bias, true, biasSum, kept);
}

function sweepBiasedKinked(x: usize, dy: usize, dx: usize, count: u32, slope: f32, kink: f32, bias: f32, biasSum: usize, kept: usize): f64 {
  return sweep(x, dy, dx, count, slope, kink, true, bias, true, biasSum, kept);
}

/** Run after run of `inner` elements. Behind the last sums there is room for a block. */
@inline
function runs(
  x: usize,
  dy: usize,
  dx: usize,
  count: u32,
  channel: u32,
  within: u32,
  channels: u32,
  inner: u32,
  slopes: usize,
  biases: usize,
  biased: bool,
  kinks: usize,
  sums: usize,
  biasSums: usize,
): void {
  const kept = (biased ? biasSums : sums) + (bytes(channels) << 1);
  while (count > 0) {
    const part = fewer(inner - within, count);
    const at = bytes(channel);
    const slope = load<f32>(slopes + at);
    const biasSum = biasSums + (at << 1);
    let taught: f64;
    if (kinks == 0)
      taught = biased
        ? sweepBiased(x, dy, dx, part, slope, load<f32>(biases + at), biasSum, kept)
        : sweepPlain(x, dy, dx, part, slope, kept);
    else {
      const kink = load<f32>(kinks + at);
      taught = biased
        ? sweepBiasedKinked(x, dy, dx, part, slope, kink, load<f32>(biases + at), biasSum, kept)
        : sweepKinked(x, dy, dx, part, slope, kink, kept);
    }
    addOne(sums + (at << 1), taught);
    within = 0;
    channel = channel + 1 == channels ? 0 : channel + 1;
    x += bytes(part);
    dy += bytes(part);
    dx += bytes(part);
    count -= part;
  }
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
  runs(x, dy, dx, count, channel, within, channels, inner, slopes, 0, false, kinks, sums, 0);
}

/** The same of x + b_c, and Σ dx added to `biasSums`, behind which there is the room for a block. */
export function backwardBiasRuns(
  x: usize,
  dy: usize,
  dx: usize,
  count: u32,
  channel: u32,
  within: u32,
  channels: u32,
  inner: u32,
  slopes: usize,
  biases: usize,
  kinks: usize,
  sums: usize,
  biasSums: usize,
): void {
  runs(x, dy, dx, count, channel, within, channels, inner, slopes, biases, true, kinks, sums, biasSums);
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
  biases: usize,
  biased: bool,
  kinks: usize,
  kinked: bool,
  sums: usize,
  biasSums: usize,
): void {
  const end = x + bytes(width);
  for (const vectors = end - bytes(width & 3); x < vectors; x += 16, dy += 16, dx += 16, slopes += 16, sums += 32) {
    const input = v128.load(x);
    const value = biased ? f32x4.add(input, v128.load(biases)) : input;
    const gradient = v128.load(dy);
    const a = v128.load(slopes);
    addTwo(sums, exactTerm(value, gradient, false));
    addTwo(sums + 16, exactTerm(value, gradient, true));
    const passed = inputGradient(value, gradient, a, turnsTo1(a), kinked ? v128.load(kinks) : a, kinked);
    v128.store(dx, passed);
    if (biased) {
      addTwo(biasSums, lower(passed));
      addTwo(biasSums + 16, upper(passed));
      biases += 16;
      biasSums += 32;
    }
    if (kinked) kinks += 16;
  }
  for (; x < end; x += 4, dy += 4, dx += 4, slopes += 4, sums += 8) {
    const value = biased ? load<f32>(x) + load<f32>(biases) : load<f32>(x);
    const gradient = load<f32>(dy);
    const a = load<f32>(slopes);
    addOne(sums, slopeTermOne(value, gradient));
    const passed = inputGradientOne(value, gradient, a, kinked ? load<f32>(kinks) : a);
    store<f32>(dx, passed);
    if (biased) {
      addOne(biasSums, <f64>passed);
      biases += 4;
      biasSums += 8;
    }
    if (kinked) kinks += 4;
  }
}

function rowPlain(x: usize, dy: usize, dx: usize, width: u32, slopes: usize, sums: usize): void {
  row(x, dy, dx, width, slopes, 0, false, slopes, false, sums, 0);
}

function rowKinked(x: usize, dy: usize, dx: usize, width: u32, slopes: usize, kinks: usize, sums: usize): void {
  row(x, dy, dx, width, slopes, 0, false, kinks, true, sums, 0);
}

function rowBiased(x: usize, dy: usize, dx: usize, width: u32, slopes: usize, biases: usize, sums: usize, biasSums: usize): void {
  row(x, dy, dx, width, slopes, biases, true, slopes, false, sums, biasSums);
}

function rowBiasedKinked(x: usize, dy: usize, dx: usize, width: u32, slopes: usize, biases: usize, kinks: usize, sums: usize, biasSums: usize): void {
  row(x, dy, dx, width, slopes, biases, true, kinks, true, sums, biasSums);
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

/** The same of x + b_c in rows, and Σ dx added to `biasSums`. */
export function backwardBiasRows(
  x: usize,
  dy: usize,
  dx: usize,
  count: u32,
  width: u32,
  slopes: usize,
  biases: usize,
  kinks: usize,
  sums: usize,
  biasSums: usize,
): void {
  const stride = bytes(width);
  for (const end = x + bytes(count); x < end; x += stride, dy += stride, dx += stride) {
    if (kinks == 0) rowBiased(x, dy, dx, width, slopes, biases, sums, biasSums);
    else rowBiasedKinked(x, dy, dx, width, slopes, biases, kinks, sums, biasSums);
  }
}
