import { bytes } from './lanes';

/** 0 where x <= 0, else x: the bits are cleared, so that -0 becomes 0 and NaN stays. */
@inline
function clear(x: v128): v128 {
  return v128.andnot(x, f32x4.le(x, f32x4.splat(0)));
}

/** y = max(x, 0). y may be x. */
export function relu(x: usize, y: usize, count: u32): void {
  const end = x + bytes(count);
  for (const blocks = end - bytes(count & 15); x < blocks; x += 64, y += 64) {
    const x0 = v128.load(x);
    const x1 = v128.load(x, 16);
    const x2 = v128.load(x, 32);
    const x3 = v128.load(x, 48);
    v128.store(y, clear(x0));
    v128.store(y, clear(x1), 16);
    v128.store(y, clear(x2), 32);
    v128.store(y, clear(x3), 48);
  }
  for (; x < end; x += 4, y += 4) {
    const value = load<f32>(x);
    store<f32>(y, value <= 0 ? 0 : value);
  }
}

/** dx = x > 0 ? dy : 0 of `count` elements. dx may be x or dy. */
export function reluBackward(x: usize, dy: usize, dx: usize, count: u32): void {
  const zero = f32x4.splat(0);
  const end = x + bytes(count);
  for (const blocks = end - bytes(count & 7); x < blocks; x += 32, dy += 32, dx += 32) {
    const live0 = f32x4.gt(v128.load(x), zero);
    const live1 = f32x4.gt(v128.load(x, 16), zero);
    v128.store(dx, v128.and(v128.load(dy), live0));
    v128.store(dx, v128.and(v128.load(dy, 16), live1), 16);
  }
  for (; x < end; x += 4, dy += 4, dx += 4) store<f32>(dx, load<f32>(x) > 0 ? load<f32>(dy) : 0);
}
