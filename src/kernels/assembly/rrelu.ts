import { bytes, fewer } from './lanes';
import { philoxFour } from './philox';

/** Elements that one call of `philoxFour` gives slopes for. */
const GROUP: u32 = 16;

/** The slopes of four elements from their random words: of 24 bits low + span u, at most high; its reciprocal where that is asked for. */
@inline
function slopesOf(words: v128, low: v128, span: v128, high: v128, inverted: bool): v128 {
  const uniform = f32x4.mul(f32x4.convert_i32x4_u(i32x4.shr_u(words, 8)), f32x4.splat(5.960464477539063e-8));
  const drawn = f32x4.min(f32x4.add(low, f32x4.mul(span, uniform)), high);
  return inverted ? f32x4.div(f32x4.splat(1), drawn) : drawn;
}

@inline
function group(signs: usize, x: usize, y: usize, slopes: usize): void {
  const zero = f32x4.splat(0);
  for (let at: usize = 0; at < 64; at += 16) {
    const values = v128.load(x + at);
    const scaled = f32x4.mul(v128.load(slopes + at), values);
    v128.store(y + at, v128.bitselect(values, scaled, f32x4.gt(v128.load(signs + at), zero)));
  }
}

/**
 * y = signs > 0 ? x : r * x with a slope r for each element, from `index` (two words) on: with x for signs the forward pass, with
 * x and dy the backward one. `law` holds low, span and high; the 64 bytes at `scratch` are overwritten. y may be either input.
 */
export function rrelu(
  signs: usize,
  x: usize,
  y: usize,
  count: u32,
  indexLow: u32,
  indexHigh: u32,
  key0: u32,
  key1: u32,
  stream0: u32,
  stream1: u32,
  law: usize,
  inverted: bool,
  scratch: usize,
): void {
  const low = f32x4.splat(load<f32>(law));
  const span = f32x4.splat(load<f32>(law, 4));
  const high = f32x4.splat(load<f32>(law, 8));
  let index = (<u64>indexHigh << 32) | <u64>indexLow;
  while (count > 0) {
    const skipped = <u32>index & (GROUP - 1);
    philoxFour(scratch, (index - skipped) >> 2, stream0, stream1, key0, key1);
    for (let at: usize = 0; at < 64; at += 16)
      v128.store(scratch + at, slopesOf(v128.load(scratch + at), low, span, high, inverted));
    const part = fewer(GROUP - skipped, count);
    if (part == GROUP) group(signs, x, y, scratch);
    else
      for (let at: usize = 0; at < bytes(part); at += 4) {
        const value = load<f32>(x + at);
        store<f32>(y + at, load<f32>(signs + at) > 0 ? value : load<f32>(scratch + bytes(skipped) + at) * value);
      }
    index += part;
    signs += bytes(part);
    x += bytes(part);
    y += bytes(part);
    count -= part;
  }
}
