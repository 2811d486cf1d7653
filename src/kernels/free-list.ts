/** A stretch of free bytes. */
export interface Gap {
  readonly start: number;
  readonly bytes: number;
}

/** Gaps in order of their start, none beside another. */
export type FreeList = readonly Gap[];

/** The first gap that is large enough, cut; null where none is. */
export function take(free: FreeList, bytes: number): { readonly start: number; readonly free: FreeList } | null {
  const at = free.findIndex(gap => gap.bytes >= bytes);
  if (at < 0) return null;
  const { start, bytes: size } = free[at] as Gap;
  const rest = size > bytes ? [{ start: start + bytes, bytes: size - bytes }] : [];
  return { start, free: [...free.slice(0, at), ...rest, ...free.slice(at + 1)] };
}

/** The list with a stretch given back, joined with the gaps it touches. */
export function giveBack(free: FreeList, { start, bytes }: Gap): FreeList {
  const before = free.filter(gap => gap.start < start);
  const after = free.filter(gap => gap.start > start);
  const left = before.at(-1);
  const right = after[0];
  const joinsLeft = left !== undefined && left.start + left.bytes === start;
  const joinsRight = right !== undefined && start + bytes === right.start;
  const joined = {
    start: joinsLeft ? left.start : start,
    bytes: (joinsLeft ? left.bytes : 0) + bytes + (joinsRight ? right.bytes : 0),
  };
  return [...(joinsLeft ? before.slice(0, -1) : before), joined, ...(joinsRight ? after.slice(1) : after)];
}

/** The most bytes that one piece can take. */
export const largestGap = (free: FreeList): number => free.reduce((most, gap) => Math.max(most, gap.bytes), 0);
