import { dissect } from '../audit/anatomy.js';
import { inWords } from '../audit/cause.js';
import { costlyValues, keptCost } from '../audit/cost.js';
import { timeInTurns } from '../audit/in-turns.js';
import { countParameters } from '../audit/weights.js';
import { syntheticSamples } from '../data/synthetic.js';
import { Failure } from '../failure.js';
import { embedExternal, inputSpecs, type Model, writeModel } from '../onnx/model.js';
import { openSession, type Session, type SessionOptions } from '../onnx/runtime.js';
import { shapesOf } from '../onnx/shapes.js';
import type { Batch, InputSpec } from '../onnx/tensor-data.js';
import { plural } from '../words.js';
import { boxSamples } from './box-samples.js';
import { Comparison, type OutputDifference } from './compare.js';
import { checkPromise, keeps, limitOf, promiseText, type RepairPromise } from './promise.js';

/** A number of the original model and of the healed one. */
export interface BeforeAfter {
  readonly before: number;
  readonly after: number;
}

/** One output, compared node by node, and what the promise allows it. */
export interface CheckedOutput extends OutputDifference {
  /** The largest relative difference that keeps the promise; null where any does. */
  readonly limit: number | null;
}

/** What a comparison of two models on the same samples says. Plain JSON data. */
export interface Verification {
  readonly samples: number;
  /** Where the samples come from: the data, or how they were made up. */
  readonly data: string;
  /** Largest absolute difference over all outputs, node by node as the files have them. */
  readonly maxAbsolute: number;
  /** Largest difference as a share of the largest absolute value of its output. */
  readonly maxRelative: number;
  readonly bitEqual: boolean;
  /** Share of samples with the same top class, smallest over the outputs that have classes; null where none has. */
  readonly sameTopClass: number | null;
  readonly outputs: readonly CheckedOutput[];
  /** The same with the fusions of ONNX Runtime, which order sums differently in different graphs: what a user of both files would see. */
  readonly optimized: readonly OutputDifference[];
  /** The original against itself, with fusions and without: how far rounding alone moves its outputs, relative to their largest values. */
  readonly rounding: number;
  /** Bytes of the file, weights that lie beside it included. */
  readonly bytes: BeforeAfter;
  readonly parameters: BeforeAfter;
  /** Multiply-adds of one sample; null where shapes are not known. */
  readonly multiplyAdds: BeforeAfter | null;
  /** Median milliseconds of a run on the first batch and the median of before / after over interleaved rounds, with its middle half; null where nothing was timed. */
  readonly time:
    | (BeforeAfter & {
        readonly rounds: number;
        readonly ratio: number;
        readonly ratioLow: number;
        readonly ratioHigh: number;
      })
    | null;
  readonly promise: RepairPromise;
  readonly kept: boolean;
  /** What came out, one sentence. */
  readonly sentence: string;
}

export interface VerifyOptions extends Omit<SessionOptions, 'graphOptimizationLevel'> {
  readonly promise: RepairPromise;
  /** Interleaved rounds of the timing (default 21; 0 times nothing). */
  readonly rounds?: number;
  /** Seed of the random inputs where there is no data (default 0). */
  readonly seed?: number;
  /** Number of random inputs where there is no data (default 16): standard normal ones, or uniform ones from the ranges that the promise declares. */
  readonly samples?: number;
  /** Inputs with free dimensions fixed, for random inputs; by default what the model declares. */
  readonly inputs?: readonly InputSpec[];
  /** Where the batches come from, in words. */
  readonly description?: string;
}

const sizeOf = (model: Model): number => writeModel(embedExternal(model)).length;

/** Multiply-adds of one sample; null where ONNX Runtime does not tell the shapes. */
async function multiplyAddsOf(model: Model, batch: Batch, options: SessionOptions): Promise<number | null> {
  try {
    const { model: inlined, scope, lookup } = dissect(model);
    const dims = Object.fromEntries(Object.entries(batch.feeds).map(([name, tensor]) => [name, tensor.dims]));
    const shapes = await shapesOf(inlined, dims, [...new Set(costlyValues(scope, lookup))], options);
    return keptCost(scope, lookup, null, shapes).multiplyAdds;
  } catch (cause) {
    if (!(cause instanceof Failure)) throw cause;
    return null;
  }
}

const worst = (outputs: readonly OutputDifference[]) => ({
  maxAbsolute: Math.max(0, ...outputs.map(output => output.maxAbsolute)),
  maxRelative: Math.max(0, ...outputs.map(output => output.maxRelative)),
  bitEqual: outputs.every(output => output.bitEqual),
  sameTopClass: outputs.reduce<number | null>(
    (least, { sameTopClass }) => (sameTopClass === null ? least : Math.min(least ?? 1, sameTopClass)),
    null,
  ),
});

function differenceText(outputs: readonly CheckedOutput[], promise: RepairPromise): string {
  const { bitEqual, maxAbsolute, maxRelative } = worst(outputs);
  // The output that comes nearest to its limit, or goes farthest beyond it.
  const [nearest] = [...outputs].sort((a, b) => b.maxRelative / (b.limit || 1) - a.maxRelative / (a.limit || 1));
  const limit =
    promise.kind === 'rounding' && nearest
      ? `, where at most ${inWords(nearest.limit as number)} passes for rounding`
      : '';
  const mismatched = outputs.reduce((sum, output) => sum + output.mismatched, 0);
  if (mismatched > 0)
    return `${plural(mismatched, 'element is', 'elements are')} NaN or infinite in one model and not in the other`;
  if (bitEqual) return 'they are equal to the bit';
  if (maxAbsolute === 0) return 'they are equal but for signs of zeros';
  return `the largest difference is ${inWords(maxAbsolute)}, ${inWords(maxRelative)} of the largest value of its output${limit}`;
}

function sentenceOf(promise: RepairPromise, kept: boolean, samples: number, found: string): string {
  const over = `over ${plural(samples, 'sample')} ${found}.`;
  const text = promiseText(promise);
  return promise.kind === 'report'
    ? `${text[0]?.toUpperCase()}${text.slice(1)}: ${over}`
    : `Promise ${kept ? 'kept' : 'broken'}: ${text}; ${over}`;
}

/**
 * Runs two models on the same samples and says how far their outputs lie apart, whether that keeps the promise, and what the repair is worth:
 * file size, parameters, multiply-adds of one sample, time in interleaved rounds. The promise is checked node by node, with the fusions of ONNX
 * Runtime turned off, since these sum in another order as soon as a graph changes; what they add stands beside it. `batches` null draws standard
 * normal inputs, or uniform ones where the promise declares their range. Throws a Failure where the original does not run, a RangeError where the healed model's outputs have other names or shapes.
 *
 * @example
 * import { verify } from 'reluminate/heal';
 * import { floatTensor, graph, modelProto, node, valueInfo } from 'reluminate/onnx';
 * const scaled = factor => {
 *   const nodes = [node('Mul', ['x', 'factor'], ['y'])];
 *   const initializers = [floatTensor('factor', [], [factor])];
 *   const main = graph({ nodes, initializers, inputs: [valueInfo('x', ['N', 2])], outputs: [valueInfo('y')] });
 *   return { proto: modelProto(main), external: new Map(), name: 'm', bytes: 0 };
 * };
 * const x = { type: 'float32', dims: [1, 2], data: Float32Array.of(2, -4) };
 * const promise = { kind: 'tolerance', relative: 1e-6 };
 * const found = await verify(scaled(1), scaled(1.5), [{ feeds: { x }, samples: 1 }], { promise, rounds: 0 });
 * [found.maxAbsolute, found.maxRelative, found.sameTopClass, found.kept]; // => [2, 0.5, 1, false]
 */
export async function verify(
  original: Model,
  healed: Model,
  batches: AsyncIterable<Batch> | Iterable<Batch> | null,
  { promise, rounds = 21, seed = 0, samples: count = 16, inputs, description, ...session }: VerifyOptions,
): Promise<Verification> {
  checkPromise(promise);
  const specs = inputs ?? inputSpecs(original);
  const source =
    batches !== null
      ? null
      : promise.inputs
        ? boxSamples(specs, promise.inputs, { samples: count, seed })
        : syntheticSamples(specs, { distribution: 'normal', samples: count, seed });
  const renamed = healed.name === original.name ? { ...healed, name: `${healed.name} (healed)` } : healed;
  const opened: Session[] = [];
  const open = async (model: Model, graphOptimizationLevel: 'disabled' | 'all') => {
    const each = await openSession(model, { ...session, graphOptimizationLevel });
    opened.push(each);
    return each;
  };
  try {
    const plain = [await open(original, 'disabled'), await open(renamed, 'disabled')] as const;
    const fast = [await open(original, 'all'), await open(renamed, 'all')] as const;
    const [asWritten, optimized, rounding] = [new Comparison(), new Comparison(), new Comparison()];
    let samples = 0;
    let first: Batch | null = null;
    for await (const batch of batches ?? (source as NonNullable<typeof source>).batches()) {
      first ??= batch;
      samples += batch.samples;
      const [before, after] = [await plain[0].run(batch.feeds), await plain[1].run(batch.feeds)];
      const [fused, fusedAfter] = [await fast[0].run(batch.feeds), await fast[1].run(batch.feeds)];
      asWritten.add(before, after, batch.samples);
      optimized.add(fused, fusedAfter, batch.samples);
      rounding.add(before, fused, batch.samples);
    }
    if (!first) throw new Failure('input', 'verify: the data must hold one sample at least, got none');
    const { feeds } = first;
    const timed = rounds > 0 ? await timeInTurns([() => fast[0].run(feeds), () => fast[1].run(feeds)], rounds) : null;
    const before = await multiplyAddsOf(original, first, session);
    const after = await multiplyAddsOf(healed, first, session);
    const own = rounding.differences();
    const outputs = asWritten
      .differences()
      .map((output, at) => ({ ...output, limit: limitOf(promise, (own[at] as OutputDifference).maxRelative) }));
    const kept = outputs.every(output => keeps(promise, output, output.limit));
    return {
      samples,
      data: source?.description ?? description ?? plural(samples, 'sample'),
      ...worst(outputs),
      outputs,
      optimized: optimized.differences(),
      rounding: worst(own).maxRelative,
      bytes: { before: sizeOf(original), after: sizeOf(healed) },
      parameters: { before: countParameters(original), after: countParameters(healed) },
      multiplyAdds: before === null || after === null ? null : { before, after },
      time: timed && {
        rounds,
        before: timed.first,
        after: timed.second,
        ratio: timed.ratio,
        ratioLow: timed.ratioLow,
        ratioHigh: timed.ratioHigh,
      },
      promise,
      kept,
      sentence: sentenceOf(promise, kept, samples, differenceText(outputs, promise)),
    };
  } finally {
    for (const each of opened) await each.close();
  }
}
