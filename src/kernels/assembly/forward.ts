import { bytes, fewer, MAX, MIN, rectify, rectifyOne, SELECT, wayFor } from './lanes';

/** Four elements, with a bias where `biased`. */
@inline
function four(x: usize, a: v128, b: v128, way: i32, biased: bool): v128 {
  const value = v128.load(x);
  return rectify(biased ? f32x4.add(value, b) : value, a, way);
}

/** One run: `count` elements with one slope and one bias. */
@inline
function sweep(x: usize, y: usize, count: u32, slope: f32, bias: f32, way: i32, biased: bool): void {
  const a = f32x4.splat(slope);
  const b = f32x4.splat(bias);
  const end = x + bytes(count);
  for (const blocks = end - bytes(count & 31); x < blocks; x += 128, y += 128) {
    v128.store(y, four(x, a, b, way, biased));
    v128.store(y + 16, four(x + 16, a, b, way, biased));
    v128.store(y + 32, four(x + 32, a, b, way, biased));
    v128.store(y + 48, four(x + 48, a, b, way, biased));
    v128.store(y + 64, four(x + 64, a, b, way, biased));
    v128.store(y + 80, four(x + 80, a, b, way, biased));
    v128.store(y + 96, four(x + 96, a, b, way, biased));
    v128.store(y + 112, four(x + 112, a, b, way, biased));
  }
  for (const vectors = end - bytes(count & 3); x < vectors; x += 16, y += 16)
    v128.store(y, four(x, a, b, way, biased));
  for (; x < end; x += 4, y += 4) {
    let value = load<f32>(x);
    if (biased) value += bias;
    store<f32>(y, rectifyOne(value, slope));
  }
}

function plainMax(x: usize, y: usize, count: u32, slope: f32): void {
  sweep(x, y, count, slope, 0, MAX, false);
}

function plainMin(x: usize, y: usize, count: u32, slope: f32): void {
  sweep(x, y, count, slope, 0, MIN, false);
}

function plainSelect(x: usize, y: usize, count: u32, slope: f32): void {
  sweep(x, y, count, slope, 0, SELECT, false);
}

function biasedMax(x: usize, y: usize, count: u32, slope: f32, bias: f32): void {
  sweep(x, y, count, slope, bias, MAX, true);
}

function biasedMin(x: usize, y: usize, count: u32, slope: f32, bias: f32): void {
  sweep(x, y, count, slope, bias, MIN, true);
}

function biasedSelect(x: usize, y: usize, count: u32, slope: f32, bias: f32): void {
  sweep(x, y, count, slope, bias, SELECT, true);
}

/** Run after run of `inner` elements. The first element is the one `within` the run of `channel`. */
@inline
function runs(
  x: usize,
  y: usize,
  count: u32,
  channel: u32,
  within: u32,
  channels: u32,
  inner: u32,
  slopes: usize,
  biases: usize,
  biased: bool,
): void {
  while (count > 0) {
    const part = fewer(inner - within, count);
    const slope = load<f32>(slopes + bytes(channel));
    const way = wayFor(slope);
    if (biased) {
      const bias = load<f32>(biases + bytes(channel));
      if (way == MAX) biasedMax(x, y, part, slope, bias);
      else if (way == MIN) biasedMin(x, y, part, slope, bias);
      else biasedSelect(x, y, part, slope, bias);
    } else {
      if (way == MAX) plainMax(x, y, part, slope);
      else if (way == MIN) plainMin(x, y, part, slope);
      else plainSelect(x, y, part, slope);
    }
    within = 0;
    channel = channel + 1 == channels ? 0 : channel + 1;
    x += bytes(part);
    y += bytes(part);
    count -= part;
  }
}

/** Row after row of `width` elements, each column with its own slope and bias. */
@inline
function rows(x: usize, y: usize, count: u32, width: u32, slopes: usize, biases: usize, biased: bool): void {
  for (const end = x + bytes(count); x < end; ) {
    let a = slopes;
    let b = biases;
    const stop = x + bytes(width);
    for (const vectors = stop - bytes(width & 3); x < vectors; x += 16, y += 16, a += 16, b += 16) {
      let value = v128.load(x);
      if (biased) value = f32x4.add(value, v128.load(b));
      v128.store(y, rectify(value, v128.load(a), SELECT));
    }
    for (; x < stop; x += 4, y += 4, a += 4, b += 4) {
      let value = load<f32>(x);
      if (biased) value += load<f32>(b);
      store<f32>(y, rectifyOne(value, load<f32>(a)));
    }
  }
}

/** y = x > 0 ? x : a_c * x in runs. y may be x. */
export function forwardRuns(
  x: usize,
  y: usize,
  count: u32,
  channel: u32,
  within: u32,
  channels: u32,
  inner: u32,
  slopes: usize,
): void {
  runs(x, y, count, channel, within, channels, inner, slopes, 0, false);
}

/** The same of x + b_c. */
export function forwardBiasRuns(
  x: usize,
  y: usize,
  count: u32,
  channel: u32,
  within: u32,
  channels: u32,
  inner: u32,
  slopes: usize,
  biases: usize,
): void {
  runs(x, y, count, channel, within, channels, inner, slopes, biases, true);
}

/** y = x > 0 ? x : a_c * x in rows; `count` is a multiple of `width`. y may be x. */
export function forwardRows(x: usize, y: usize, count: u32, width: u32, slopes: usize): void {
  rows(x, y, count, width, slopes, 0, false);
}

/** The same of x + b_c. */
export function forwardBiasRows(x: usize, y: usize, count: u32, width: u32, slopes: usize, biases: usize): void {
  rows(x, y, count, width, slopes, biases, true);
}
