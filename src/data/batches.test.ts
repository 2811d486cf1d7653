import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Batch, InputSpec } from '../onnx/tensor-data.js';
import { type Batching, chooseBatching, concatReaders, type Feeds, readBatches, type SampleReader } from './batches.js';

/** A reader of the numbers from … from + samples - 1, `width` times each, that notes when it is closed. */
function countingReader(from: number, samples: number, { width = 1, constant = 0, log = [] as string[] } = {}) {
  let done = 0;
  const reader: SampleReader = {
    async next(count) {
      const rows = Math.min(count, samples - done);
      if (rows === 0) return null;
      const data = Float32Array.from({ length: rows * width }, (_, i) => from + done + Math.floor(i / width));
      done += rows;
      return {
        x: { type: 'float32', dims: [rows, width], data },
        t: { type: 'float32', dims: [], data: Float32Array.of(constant) },
      };
    },
    async close() {
      log.push(`closed ${from}`);
    },
  };
  return reader;
}

async function collect(reader: SampleReader, batching: Partial<Batching>): Promise<Batch[]> {
  const batches: Batch[] = [];
  const all = { size: 4, pad: false, limit: Number.POSITIVE_INFINITY, ...batching };
  for await (const batch of readBatches(reader, all)) batches.push(batch);
  return batches;
}
const values = (batch: Batch) => [...(batch.feeds.x!.data as Float32Array)];

describe('readBatches', () => {
  test('cuts samples into batches, the last one shorter', async () => {
    const batches = await collect(countingReader(0, 10), {});
    expect(batches.map(values)).toEqual([
      [0, 1, 2, 3],
      [4, 5, 6, 7],
      [8, 9],
    ]);
    expect(batches.map(batch => batch.samples)).toEqual([4, 4, 2]);
    expect(batches[2]!.feeds.x!.dims).toEqual([2, 1]);
  });

  test('pads the last batch of a fixed size with its last sample', async () => {
    const batches = await collect(countingReader(0, 6, { width: 2 }), { pad: true });
    expect(values(batches[1]!)).toEqual([4, 4, 5, 5, 5, 5, 5, 5]);
    expect(batches[1]!.feeds.x!.dims).toEqual([4, 2]);
    expect(batches[1]!.feeds.t!.dims).toEqual([]);
    expect(batches[1]!.samples).toBe(2);
  });

  test('stacks what several readers give into full batches, in order, up to the limit', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 6 }),
        fc.integer({ min: 1, max: 8 }),
        fc.option(fc.integer({ min: 1, max: 40 }), { nil: Number.POSITIVE_INFINITY }),
        async (counts, size, limit) => {
          const starts = counts.map((_, i) => counts.slice(0, i).reduce((a, b) => a + b, 0));
          const openers = counts.map((count, i) => async () => countingReader(starts[i]!, count));
          const batches = await collect(concatReaders(openers), { size, limit });
          const total = Math.min(
            limit,
            counts.reduce((a, b) => a + b, 0),
          );
          expect(batches.flatMap(values)).toEqual(Array.from({ length: total }, (_, i) => i));
          expect(batches.slice(0, -1).every(batch => batch.samples === size)).toBe(true);
        },
      ),
    ));

  test.each([
    ['another length of a free axis', { width: 2 }],
    ['another constant', { constant: 5 }],
  ])('begins a new batch at %s', async (_, other) => {
    const readers = [async () => countingReader(0, 3), async () => countingReader(10, 6, other)];
    const batches = await collect(concatReaders(readers), {});
    expect(batches.map(batch => batch.samples)).toEqual([3, 4, 2]);
    expect([...new Set(batches.slice(1).flatMap(values))]).toEqual([10, 11, 12, 13, 14, 15]);
  });

  test('closes the reader at the end, at an early stop and at an error', async () => {
    const log: string[] = [];
    await collect(countingReader(1, 3, { log }), {});
    for await (const _ of readBatches(countingReader(2, 99, { log }), { size: 1, pad: false, limit: 9 })) break;
    const failing: SampleReader = { ...countingReader(3, 9, { log }), next: () => Promise.reject(new Error('no')) };
    await expect(collect(failing, {})).rejects.toThrow('no');
    const several = concatReaders([4, 5, 6].map(from => async () => countingReader(from, 2, { log })));
    for await (const batch of readBatches(several, { size: 3, pad: false, limit: 9 })) if (batch.samples) break;
    expect(log).toEqual(['closed 1', 'closed 2', 'closed 3', 'closed 4', 'closed 5']);
  });

  test('feeds of constants alone are one sample', async () => {
    let given = false;
    const feeds: Feeds = { t: { type: 'float32', dims: [], data: Float32Array.of(2) } };
    const reader: SampleReader = {
      next: async () => {
        if (given) return null;
        given = true;
        return feeds;
      },
      close: async () => {},
    };
    expect(await collect(reader, { size: 1 })).toEqual([{ feeds, samples: 1 }]);
  });
});

describe('chooseBatching', () => {
  const input = (...dims: InputSpec['dims']): InputSpec => ({ name: `x${dims[0]}`, type: 'float32', dims });

  test('a free batch axis takes two million elements at a time, 1 to 64 samples', () => {
    expect(chooseBatching([input('n', 10)], 10, {}).size).toBe(64);
    expect(chooseBatching([input('n', 1)], 3 * 224 * 224, {}).size).toBe(13);
    expect(chooseBatching([input('n', 1)], 1e9, {}).size).toBe(1);
    expect(chooseBatching([input('n', 1)], 10, { batch: 500 })).toEqual({ size: 500, pad: false, limit: Infinity });
  });

  test('a fixed batch axis decides', () => {
    expect(chooseBatching([input(8, 1), input('n')], 1, { samples: 5 })).toEqual({ size: 8, pad: true, limit: 5 });
    expect(chooseBatching([input(8, 1)], 1, { batch: 8 }).size).toBe(8);
  });

  test.each([
    [[input(1), input(2)], {}, "batch: the inputs must agree on axis 0, got 1 for 'x1' and 2 for 'x2'"],
    [[input(1)], { batch: 8 }, "--batch: must be 1, which input 'x1' fixes, got 8"],
    [[input('n')], { batch: 0 }, '--batch: must be a whole number of 1 or more, got 0'],
    [[input('n')], { samples: 1.5 }, '--samples: must be a whole number of 1 or more, got 1.5'],
    [[input('n')], { samples: Number.NaN }, '--samples: must be a whole number of 1 or more, got NaN'],
  ])('refuses contradictions %#', (specs, options, message) => {
    expect(() => chooseBatching(specs, 1, options)).toThrow(message);
  });
});
