import { create } from '@bufbuild/protobuf';
import { isStandard } from '../../onnx/attributes.js';
import type { Constant } from '../../onnx/constants.js';
import { DataType, TensorProtoSchema } from '../../onnx/proto.js';
import type { Rectifier } from '../../onnx/rectifiers.js';
import type { Anatomy } from '../anatomy.js';
import { type Backward, backwardRules, floats, ints, product, write } from './backward-rules.js';
import type { ElementBounds } from './interval-bounds.js';
import { isPiecewiseLinear } from './rectifier-rule.js';
import { relax } from './relaxation.js';
import { underflow } from './rounding.js';

/** The best bounds known of each element of a value, tightened as the linear bounds go from layer to layer. */
export interface Best {
  readonly lower: Float64Array;
  readonly upper: Float64Array;
  readonly slack: Float32Array | null;
}

export const bestOf = ({ lower, upper, slack }: ElementBounds): Best => ({
  lower: Float64Array.from(lower),
  upper: Float64Array.from(upper),
  slack,
});

/** Numbers of a constant for each element of a value of the given dimensions, which it broadcasts against. */
export function broadcast({ dims, data }: Pick<Constant, 'dims' | 'data'>, to: readonly number[]): Float64Array {
  const result = new Float64Array(product(to));
  const behind = to.length - dims.length;
  const strides = to.map((_, axis) => {
    const at = axis - behind;
    return at < 0 || dims[at] === 1 ? 0 : product(dims.slice(at + 1));
  });
  for (let index = 0; index < result.length; index++) {
    let rest = index;
    let from = 0;
    for (let axis = to.length - 1; axis >= 0; axis--) {
      const dim = to[axis] as number;
      from += (rest % dim) * (strides[axis] as number);
      rest = Math.floor(rest / dim);
    }
    result[index] = data[from] as number;
  }
  return result;
}

/** Share by which sums in float64 may be off, for up to 2^18 products. */
const doubleShare = 2 ** -33;

/** One backward pass while it is planned. */
interface Pass extends Backward {
  /** Scalars for each row, in float64, that add up to the bound. */
  readonly parts: string[];
  /** What underflow can take from the bound. */
  floor: number;
}

function doubles({ initializers }: Backward, values: Float64Array): string {
  const name = `c${initializers.length}`;
  const rawData = new Uint8Array(values.buffer as ArrayBuffer, values.byteOffset, values.byteLength);
  initializers.push(
    create(TensorProtoSchema, { name, dims: [BigInt(values.length), 1n], dataType: DataType.DOUBLE, rawData }),
  );
  return name;
}

/** Adds the least that `coefficients · e` can be for e in [low, high], in float64: coefficients · middle - |coefficients| · reach. */
function addPart(pass: Pass, coefficients: string, low: ArrayLike<number>, high: ArrayLike<number>): void {
  const count = low.length;
  const [middle, reach] = [new Float64Array(count), new Float64Array(count)];
  for (let at = 0; at < count; at++) {
    const [l, h] = [low[at] as number, high[at] as number];
    const m = 0.5 * (l + h);
    middle[at] = m;
    reach[at] = Math.max(h - m, m - l) + doubleShare * (Math.abs(l) + Math.abs(h));
  }
  const flat = write(pass, 'Reshape', [coefficients, ints(pass, [-1, count])]);
  const wide = write(pass, 'Cast', [flat], { to: DataType.DOUBLE });
  const least = write(pass, 'MatMul', [wide, doubles(pass, middle)]);
  const spread = write(pass, 'MatMul', [write(pass, 'Abs', [wide]), doubles(pass, reach)]);
  pass.parts.push(write(pass, 'Sub', [least, spread]));
}

const largestSum = ({ lower, upper }: Best): number =>
  lower.reduce((sum, low, at) => sum + Math.max(Math.abs(low), Math.abs(upper[at] as number)), 0);

const symmetric = (size: ArrayLike<number>, share: number): [Float64Array, Float64Array] => {
  const high = Float64Array.from(size, item => share * item);
  return [high.map(item => -item), high];
};

/** Coefficients on a rectifier's output become those on its input: positive ones take the line below, negative ones that above. */
function throughRectifier(pass: Pass, rectifier: Rectifier, coefficients: string, best: Best): string {
  const dims = pass.shapes.get(rectifier.input) as readonly number[];
  const slopes = broadcast(rectifier.negativeSlope as Constant, dims);
  const { lowerSlope, upperSlope, low, high } = relax(rectifier, slopes, best);
  addPart(pass, coefficients, low, high);
  const sides = [
    write(pass, 'Mul', [write(pass, 'Max', [coefficients, floats(pass, [0], [])]), floats(pass, lowerSlope, dims)]),
    write(pass, 'Mul', [write(pass, 'Min', [coefficients, floats(pass, [0], [])]), floats(pass, upperSlope, dims)]),
  ];
  pass.floor += underflow(1, 1) * largestSum(best);
  return write(pass, 'Add', sides);
}

/** What linear bounds are computed from. */
export interface LinearContext {
  readonly anatomy: Anatomy;
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  readonly best: ReadonlyMap<string, Best>;
}

/** Multiply-adds that take as long as what is done elementwise to one coefficient: sides, casts, two products in float64. */
const perCoefficient = 64;

interface Planned {
  readonly pass: Pass;
  /** Whether two layers are joined or two ways meet: without that the linear bounds are the interval bounds. */
  readonly isDeep: boolean;
  /** Multiply-adds for all rows. */
  readonly work: number;
  /** Elements of the largest value on the way. */
  readonly widest: number;
}

/** Writes the backward pass from a value to the inputs, or to where the work for `rows` rows would exceed `budget` multiply-adds: there the bounds known are taken. */
export function planPass(
  { anatomy, shapes, best }: LinearContext,
  target: string,
  rows: number,
  budget: number,
): Planned {
  const { scope, lookup, layers } = anatomy;
  const isBounded = (value: string) => best.has(value);
  const pass: Pass = { scope, lookup, shapes, isBounded, nodes: [], initializers: [], parts: [], floor: 0 };
  const rectifiers = new Map(layers.map(({ rectifier }) => [rectifier.output, rectifier]));
  const dims = shapes.get(target) as readonly number[];
  const pending = new Map<string, string[]>();
  pending.set(target, [write(pass, 'Reshape', ['rows', ints(pass, [-1, ...dims.slice(1)])])]);
  let work = 0;
  let mixing = 0;
  let widest = product(dims);
  const give = (value: string, coefficients: string) =>
    pending.set(value, [...(pending.get(value) ?? []), coefficients]);
  /** The coefficients on a value once all of its readers have given theirs. */
  const collect = (value: string, known: Best): string => {
    const given = pending.get(value) as string[];
    pending.delete(value);
    widest = Math.max(widest, known.lower.length);
    if (given.length === 1) return given[0] as string;
    mixing += 2;
    const sizes = known.lower.map((low, at) => Math.max(Math.abs(low), Math.abs(known.upper[at] as number)));
    for (const each of given) addPart(pass, each, ...symmetric(sizes, given.length * 2 ** -22));
    return write(pass, 'Sum', given);
  };
  const positions = new Map(scope.nodes.map((node, at) => [node, at]));
  const start = positions.get(scope.producer.get(target) as never) ?? -1;
  for (let at = start; at >= 0; at--) {
    const node = scope.nodes[at] as (typeof scope.nodes)[number];
    const value = node.output[0] as string;
    const known = best.get(value);
    if (!pending.has(value) || !known) continue;
    const coefficients = collect(value, known);
    const rectifier = rectifiers.get(value);
    const before = rectifier && best.get(rectifier.input);
    if (rectifier && before && rectifier.scope === scope && isPiecewiseLinear(rectifier)) {
      give(rectifier.input, throughRectifier(pass, rectifier, coefficients, before));
      work += perCoefficient * before.lower.length;
      continue;
    }
    const rule = isStandard(node) && Object.hasOwn(backwardRules, node.opType) ? backwardRules[node.opType] : null;
    const written = [pass.nodes.length, pass.initializers.length] as const;
    const step = rule?.(pass, node, coefficients);
    const isKnown = step?.inputs.every(input => best.has(input.value));
    const more = step ? step.work + perCoefficient * known.lower.length : 0;
    if (!step || !isKnown || (work + more) * rows > budget) {
      [pass.nodes.length, pass.initializers.length] = written;
      addPart(pass, coefficients, known.lower, known.upper);
      continue;
    }
    work += more;
    if (step.work > 0) mixing++;
    const shift = step.shift && broadcast(step.shift, shapes.get(value) as readonly number[]);
    if (shift || known.slack) {
      const [low, high] = symmetric(known.slack ?? known.lower.map(() => 0), 1.001);
      addPart(
        pass,
        coefficients,
        low.map((item, i) => item + (shift?.[i] ?? 0)),
        high.map((item, i) => item + (shift?.[i] ?? 0)),
      );
    }
    for (const input of step.inputs) {
      pass.floor += underflow(step.terms, step.largest) * largestSum(best.get(input.value) as Best);
      give(input.value, input.coefficients);
    }
  }
  for (const value of [...pending.keys()]) {
    const known = best.get(value) as Best;
    addPart(pass, collect(value, known), known.lower, known.upper);
  }
  return { pass, isDeep: mixing >= 2, work: work * rows, widest };
}
