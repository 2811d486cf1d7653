/** Low halves of the products of four lanes with a constant. */
@inline
function low(lanes: v128, constant: v128): v128 {
  return i32x4.mul(lanes, constant);
}

/** High halves of the unsigned products. */
@inline
function high(lanes: v128, constant: v128): v128 {
  const first = i64x2.extmul_low_i32x4_u(lanes, constant);
  const second = i64x2.extmul_high_i32x4_u(lanes, constant);
  return v128.shuffle<i32>(first, second, 1, 3, 5, 7);
}

/**
 * Philox4x32-10 (Salmon et al. 2011) of four counters that follow each other, from `block` on: writes the sixteen words, those of the
 * first counter first, to `out`.
 */
export function philoxFour(
  out: usize,
  block: u64,
  stream0: u32,
  stream1: u32,
  key0: u32,
  key1: u32,
): void {
  const m0 = i32x4.splat(0xd2511f53);
  const m1 = i32x4.splat(0xcd9e8d57);
  const first = i32x4.splat(<u32>block);
  let c0 = i32x4.add(first, i32x4(0, 1, 2, 3));
  // A comparison gives -1 where the low word has come round.
  let c1 = i32x4.sub(i32x4.splat(<u32>(block >> 32)), i32x4.lt_u(c0, first));
  let c2 = i32x4.splat(stream0);
  let c3 = i32x4.splat(stream1);
  for (let round = 0; round < 10; round++) {
    const high0 = high(c0, m0);
    const high1 = high(c2, m1);
    const low0 = low(c0, m0);
    const low1 = low(c2, m1);
    c0 = v128.xor(v128.xor(high1, c1), i32x4.splat(key0));
    c1 = low1;
    c2 = v128.xor(v128.xor(high0, c3), i32x4.splat(key1));
    c3 = low0;
    key0 += 0x9e3779b9;
    key1 += 0xbb67ae85;
  }
  const even0 = v128.shuffle<i32>(c0, c1, 0, 4, 1, 5);
  const odd0 = v128.shuffle<i32>(c0, c1, 2, 6, 3, 7);
  const even1 = v128.shuffle<i32>(c2, c3, 0, 4, 1, 5);
  const odd1 = v128.shuffle<i32>(c2, c3, 2, 6, 3, 7);
  v128.store(out, v128.shuffle<i64>(even0, even1, 0, 2));
  v128.store(out, v128.shuffle<i64>(even0, even1, 1, 3), 16);
  v128.store(out, v128.shuffle<i64>(odd0, odd1, 0, 2), 32);
  v128.store(out, v128.shuffle<i64>(odd0, odd1, 1, 3), 48);
}
