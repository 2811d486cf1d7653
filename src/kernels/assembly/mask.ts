import { chosen, turnsTo1 } from './gradients';
import { bytes, fewer } from './lanes';

/** Eight bits from bit `at` of the mask on, in the low bits; reads two bytes. */
@inline
function eightBits(mask: usize, at: u32): u32 {
  return <u32>load<u16>(mask + (at >> 3)) >> (at & 7);
}

/** All ones in the lanes whose bits are set; `bits` says which bit is whose. */
@inline
function lanesOf(mask: u32, bits: v128): v128 {
  return i32x4.ne(v128.and(i32x4.splat(mask), bits), i32x4.splat(0));
}

@inline
function one(mask: usize, at: u32, dy: usize, dx: usize, slope: f32): void {
  const gradient = load<f32>(dy);
  store<f32>(dx, (<u32>load<u8>(mask + (at >> 3)) >> (at & 7)) & 1 ? gradient : gradient * slope);
}

function sweep(mask: usize, at: u32, dy: usize, dx: usize, count: u32, slope: f32): void {
  const a = f32x4.splat(slope);
  const turns = turnsTo1(a);
  const first = i32x4(1, 2, 4, 8);
  const second = i32x4(16, 32, 64, 128);
  const end = dy + bytes(count);
  for (const blocks = end - bytes(count & 7); dy < blocks; dy += 32, dx += 32, at += 8) {
    const bits = eightBits(mask, at);
    const dy0 = v128.load(dy);
    const dy1 = v128.load(dy, 16);
    v128.store(dx, f32x4.mul(dy0, chosen(lanesOf(bits, first), a, turns)));
    v128.store(dx, f32x4.mul(dy1, chosen(lanesOf(bits, second), a, turns)), 16);
  }
  for (; dy < end; dy += 4, dx += 4, at++) one(mask, at, dy, dx, slope);
}

function sweepRow(mask: usize, at: u32, dy: usize, dx: usize, width: u32, slopes: usize): void {
  const first = i32x4(1, 2, 4, 8);
  const second = i32x4(16, 32, 64, 128);
  const end = dy + bytes(width);
  for (const blocks = end - bytes(width & 7); dy < blocks; dy += 32, dx += 32, slopes += 32, at += 8) {
    const bits = eightBits(mask, at);
    const dy0 = v128.load(dy);
    const dy1 = v128.load(dy, 16);
    const a0 = v128.load(slopes);
    const a1 = v128.load(slopes, 16);
    v128.store(dx, f32x4.mul(dy0, chosen(lanesOf(bits, first), a0, turnsTo1(a0))));
    v128.store(dx, f32x4.mul(dy1, chosen(lanesOf(bits, second), a1, turnsTo1(a1))), 16);
  }
  for (; dy < end; dy += 4, dx += 4, slopes += 4, at++) one(mask, at, dy, dx, load<f32>(slopes));
}

/** dx = bit ? dy : a_c * dy in runs; the bit of the first element is number `at` of the mask. dx may be dy. */
export function maskRuns(
  mask: usize,
  at: u32,
  dy: usize,
  dx: usize,
  count: u32,
  channel: u32,
  within: u32,
  channels: u32,
  inner: u32,
  slopes: usize,
): void {
  while (count > 0) {
    const part = fewer(inner - within, count);
    sweep(mask, at, dy, dx, part, load<f32>(slopes + bytes(channel)));
    within = 0;
    channel = channel + 1 == channels ? 0 : channel + 1;
    at += part;
    dy += bytes(part);
    dx += bytes(part);
    count -= part;
  }
}

/** The same in rows of `width` elements; `count` is a multiple of `width`. */
export function maskRows(
  mask: usize,
  at: u32,
  dy: usize,
  dx: usize,
  count: u32,
  width: u32,
  slopes: usize,
): void {
  for (const end = dy + bytes(count); dy < end; dy += bytes(width), dx += bytes(width), at += width)
    sweepRow(mask, at, dy, dx, width, slopes);
}

/** z = y where the bit is set and -|y| elsewhere: what has the signs of a rectifier's input and the sizes of its output. z may be y. */
export function signed(mask: usize, at: u32, y: usize, z: usize, count: u32): void {
  const first = i32x4(1, 2, 4, 8);
  const second = i32x4(16, 32, 64, 128);
  const minus = i32x4.splat(0x80000000);
  const end = y + bytes(count);
  for (const blocks = end - bytes(count & 7); y < blocks; y += 32, z += 32, at += 8) {
    const bits = eightBits(mask, at);
    const y0 = v128.load(y);
    const y1 = v128.load(y, 16);
    v128.store(z, v128.bitselect(y0, v128.or(y0, minus), lanesOf(bits, first)));
    v128.store(z, v128.bitselect(y1, v128.or(y1, minus), lanesOf(bits, second)), 16);
  }
  for (; y < end; y += 4, z += 4, at++) {
    const positive = (<u32>load<u8>(mask + (at >> 3)) >> (at & 7)) & 1;
    store<u32>(z, load<u32>(y) | (positive ? 0 : 0x80000000));
  }
}

/** Which elements are positive, one bit each, the first in the lowest bit. */
export function signMask(x: usize, mask: usize, count: u32): void {
  const zero = f32x4.splat(0);
  const end = x + bytes(count);
  for (const blocks = end - bytes(count & 7); x < blocks; x += 32, mask++) {
    const low = i32x4.bitmask(f32x4.gt(v128.load(x), zero));
    const high = i32x4.bitmask(f32x4.gt(v128.load(x, 16), zero));
    store<u8>(mask, low | (high << 4));
  }
  if (x == end) return;
  let last: u32 = 0;
  for (let bit = 0; x < end; x += 4, bit++) last |= <u32>(load<f32>(x) > 0) << bit;
  store<u8>(mask, last);
}
