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
