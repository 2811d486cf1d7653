import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type FreeList, type Gap, giveBack, largestGap, take } from './free-list.js';

test('pieces never overlap, and all of the space is one gap again in the end', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 60 }))), steps => {
      let free: FreeList = [{ start: 0, bytes: 200 }];
      const taken: Gap[] = [];
      for (const [giving, bytes] of steps) {
        const cut = giving ? null : take(free, bytes);
        const back = giving ? taken.splice(bytes % Math.max(1, taken.length), 1)[0] : undefined;
        if (cut !== null) {
          free = cut.free;
          taken.push({ start: cut.start, bytes });
        } else if (!giving) expect(largestGap(free)).toBeLessThan(bytes);
        if (back !== undefined) free = giveBack(free, back);
        const pieces = [...taken, ...free].sort((a, b) => a.start - b.start);
        expect(pieces.reduce((end, piece) => (piece.start === end ? end + piece.bytes : Number.NaN), 0)).toBe(200);
      }
      for (const piece of taken) free = giveBack(free, piece);
      expect(free).toEqual([{ start: 0, bytes: 200 }]);
    }),
  );
});
