import { copyModel, type Model } from '../onnx/model.js';
import { openSession, type SessionOptions } from '../onnx/runtime.js';
import type { Batch, TensorData } from '../onnx/tensor-data.js';
import { timeInTurns } from './in-turns.js';
import type { SubnormalReport } from './report.js';
import { flushTinyWeights } from './weights.js';

/** The largest absolute difference between the results of two runs; NaN on one side only counts as infinite. */
function largestDifference(a: Record<string, TensorData>, b: Record<string, TensorData>): number {
  let largest = 0;
  for (const [name, tensor] of Object.entries(a)) {
    const other = b[name]?.data as ArrayLike<number | bigint>;
    Array.prototype.forEach.call(tensor.data, (value: number | bigint, at: number) => {
      const [x, y] = [Number(value), Number(other[at])];
      if (!Object.is(x, y) && x !== y) largest = Math.max(largest, Number.isNaN(x - y) ? Infinity : Math.abs(x - y));
    });
  }
  return largest;
}

/**
 * Measures what tiny weights cost: the model as it is against the same with every |w| < 1e-12 set to zero, run in turns on one
 * batch so that the machine's moods hit both alike. Times are medians in milliseconds; the ratio is original over flushed (above 1:
 * flushing is faster) with the range of its middle half.
 */
export async function timeFlush(
  model: Model,
  tinyInitializers: ReadonlySet<string>,
  batch: Batch,
  rounds: number,
  options: SessionOptions,
): Promise<NonNullable<SubnormalReport['time']>> {
  const flushed = copyModel(model);
  flushTinyWeights(flushed, tinyInitializers);
  const sessions = [await openSession(model, options), await openSession(flushed, options)] as const;
  try {
    const [first, second] = [await sessions[0].run(batch.feeds), await sessions[1].run(batch.feeds)];
    const run = (side: 0 | 1) => () => sessions[side].run(batch.feeds);
    const timed = await timeInTurns([run(0), run(1)], rounds);
    return {
      rounds,
      original: timed.first,
      flushed: timed.second,
      ratio: timed.ratio,
      ratioLow: timed.ratioLow,
      ratioHigh: timed.ratioHigh,
      largestDifference: largestDifference(first, second),
    };
  } finally {
    for (const session of sessions) await session.close();
  }
}
