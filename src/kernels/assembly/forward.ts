import { bytes, fewer, MAX, MIN, rectify, rectifyOne, SELECT, wayFor } from './lanes';

/** One run: `count` elements with one slope and one bias. */
@inline
function sweep(x: usize, y: usize, count: u32, slope: f32, bias: f32, way: i32, biased: bool): void {
  const a = f32x4.splat(slope);
  const b = f32x4.splat(bias);
  const end = x + bytes(count);
  for (const blocks = end - bytes(count & 15); x < blocks; x += 64, y += 64) {
    let x0 = v128.load(x);
    let x1 = v128.load(x, 16);
    let x2 = v128.load(x, 32);
    let x3 = v128.load(x, 48);
    if (biased) {
      x0 = f32x4.add(x0, b);
      x1 = f32x4.add(x1, b);
      x2 = f32x4.add(x2, b);
      x3 = f32x4.add(x3, b);
    }
    v128.store(y, rectify(x0, a, way));
    v128.store(y, rectify(x1, a, way), 16);
    v128.store(y, rectify(x2, a, way), 32);
    v128.store(y, rectify(x3, a, way), 48);
  }
  for (const vectors = end - bytes(count & 3); x < vectors; x += 16, y += 16) {
    let value = v128.load(x);
    if (biased) value = f32x4.add(value, b);
    v128.store(y, rectify(value, a, way));
  }
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
