import type { NodeProto } from '../onnx/proto.js';
import type { Random } from '../random.js';
import type { Edits } from './edits.js';
import { firingCut } from './firing-cut.js';
import type { Incoming } from './incoming.js';

type Offset = Incoming['offsets'][number];

/** What an offset adds to a unit. */
function added(edits: Edits, { node, name, fixed, factor }: Offset, unit: number): number {
  const numbers = fixed ?? (name === null ? edits.givenBias(node) : edits.numbers(name));
  return numbers === null ? 0 : factor * (numbers[numbers.length === 1 ? 0 : unit] as number);
}

/** The numbers of the offset that is set, which comes last. */
function ownOffset(edits: Edits, { feed, offsets }: Incoming): { numbers: Float64Array; factor: number } {
  const { node, name, factor } = offsets[offsets.length - 1] as Offset;
  return { numbers: name === null ? edits.bias(node, feed.units) : edits.numbers(name), factor };
}

/** The numbers of a batch norm: scale, shift, mean and variance. */
const normNumbers = (edits: Edits, node: NodeProto) =>
  node.input.slice(1, 5).map(name => edits.numbers(name)) as [Float64Array, Float64Array, Float64Array, Float64Array];

/** What is set of a unit so that its pre-activation is its weighted inputs and nothing else: offsets that add up to 0, a batch norm that neither shifts nor, but for its deviation, scales. */
function neutralize(edits: Edits, into: Incoming, unit: number): void {
  const { offsets, batchNorm } = into;
  const sum = (of: readonly Offset[]) => of.reduce((total, offset) => total + added(edits, offset, unit), 0);
  if (batchNorm) {
    const [gamma, beta, mean, variance] = normNumbers(edits, batchNorm.node);
    gamma[unit] = 1;
    beta[unit] = 0;
    variance[unit] = 1;
    // What is added before the batch norm is taken off by its mean.
    mean[unit] = sum(offsets);
    return;
  }
  const { numbers, factor } = ownOffset(edits, into);
  numbers[unit] = -sum(offsets.slice(0, -1)) / factor;
}

/** Whether a unit of a layer weighs one of its inputs at all. */
const weighs = ({ layout }: Incoming, unit: number, input: number): boolean => layout.at(unit, input) >= 0;

/** The inputs that fresh weights are drawn for: those not in `silenced`, which belong to units that are revived too; all of them where no other is left. */
export function livingInputs(into: Incoming, unit: number, silenced: ReadonlySet<number>): number[] {
  const all = Array.from({ length: into.layout.inputs }, (_, input) => input).filter(input =>
    weighs(into, unit, input),
  );
  const living = all.filter(input => !silenced.has(input));
  return living.length > 0 ? living : all;
}

/** The positions of a unit's incoming weights. */
function* positionsOf({ layout }: Incoming, unit: number, inputs: Iterable<number>): Generator<number> {
  for (const input of inputs) {
    const from = layout.at(unit, input);
    if (from < 0) continue;
    for (let at = from; at < from + layout.kernel; at++) yield at;
  }
}

/**
 * Draws a unit's weights of the given inputs from He's normal distribution, of variance gain² / fanIn (He et al. 2015, equation 15), sets all others to 0, and makes all that is
 * added behind them 0. A batch norm gets the statistics that inputs of second moment 1 give: mean 0, variance Σ w².
 */
export function drawWeights(
  edits: Edits,
  into: Incoming,
  unit: number,
  inputs: readonly number[],
  random: Random,
): void {
  const weights = edits.numbers(into.feed.node.input[1] as string);
  const deviation = into.gain(unit) / Math.sqrt(inputs.length * into.layout.kernel) / Math.abs(into.factor);
  for (const at of positionsOf(into, unit, Array.from({ length: into.layout.inputs }).keys())) weights[at] = 0;
  let squares = 0;
  for (const at of positionsOf(into, unit, inputs)) {
    weights[at] = Math.fround(deviation * random.normal());
    squares += (into.factor * (weights[at] as number)) ** 2;
  }
  neutralize(edits, into, unit);
  if (into.batchNorm) edits.numbers(into.batchNorm.node.input[4] as string)[unit] = squares;
}

/**
 * Fits a unit with drawn weights to the values its pre-activation takes on data: with a batch norm, its statistics become those of the data; else the weights are
 * scaled so that the values have the wanted variance (null: as they are). The offset is set so that about half of the values are above the threshold. Returns a
 * sentence where no offset lets the unit fire on between 10 % and 90 % of them.
 */
export function fitUnit(
  edits: Edits,
  into: Incoming,
  unit: number,
  values: Float64Array,
  variance: number | null,
  threshold: number,
): string | null {
  if (values.length === 0 || !values.every(Number.isFinite)) return 'its pre-activation on the data is not finite';
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const spread = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  const cut = firingCut(values);
  // Rounding alone makes numbers of a constant differ.
  const isConstant = !(Math.sqrt(spread) > 1e-6 * Math.abs(mean)) || !(spread > 0);
  if (cut === null || isConstant) return 'its inputs hardly vary on the data';
  const { batchNorm, feed } = into;
  if (batchNorm) {
    const [, beta, running, runningVariance] = normNumbers(edits, batchNorm.node);
    // The mean holds what is added before the batch norm; the values were measured without it, and over the deviation that was assumed.
    const before = (runningVariance[unit] as number) + batchNorm.epsilon;
    running[unit]! += Math.sqrt(before) * mean;
    runningVariance[unit] = before * spread;
    beta[unit] = threshold + (Math.sqrt(before) * (mean - cut)) / Math.sqrt(before * spread + batchNorm.epsilon);
    return null;
  }
  const scale = variance === null ? 1 : Math.sqrt(variance / spread);
  const weights = edits.numbers(feed.node.input[1] as string);
  for (const at of positionsOf(into, unit, Array.from({ length: into.layout.inputs }).keys())) weights[at]! *= scale;
  const { numbers, factor } = ownOffset(edits, into);
  numbers[unit]! += (threshold - scale * cut) / factor;
  return null;
}
