import { Failure } from '../../failure.js';
import { floatAttribute, intAttribute, intsAttribute, stringAttribute } from '../../onnx/attributes.js';
import { float } from '../../onnx/build.js';
import type { NodeProto } from '../../onnx/proto.js';
import { constantInput, elements, type RuleContext, reshaped, rule } from '../rule.js';

/** The numbers of an input that says how to resize; none where it is missing or empty. */
const given = (context: RuleContext, index: number, what: string): readonly number[] =>
  constantInput(context, index, what) ?? [];

/** The attributes, those that the node leaves out with the defaults of ONNX. */
const attributesOf = (node: NodeProto) => ({
  mode: stringAttribute(node, 'mode', 'nearest'),
  nearest_mode: stringAttribute(node, 'nearest_mode', 'round_prefer_floor'),
  coordinate_transformation_mode: stringAttribute(node, 'coordinate_transformation_mode', 'half_pixel'),
  cubic_coeff_a: float(floatAttribute(node, 'cubic_coeff_a', -0.75)),
  exclude_outside: intAttribute(node, 'exclude_outside', 0),
  // Unknown before opset 18.
  ...(intAttribute(node, 'antialias', 0) === 1 && { antialias: 1 }),
});

/** An axis as ONNX Runtime resizes it: `start` and `end` are the part that is cropped, of [0, 1]. */
interface Axis {
  readonly from: number;
  readonly to: number;
  /** In float32; 1 leaves the axis as it is. */
  readonly scale: number;
  readonly start: number;
  readonly end: number;
}

/** Throws a Failure for computed scales, crops, and sizes of which only the aspect counts: dimensions do not say what they are. */
function axesOf(context: RuleContext): Axis[] {
  const { node } = context;
  const [from, to] = [context.dims(node.input[0] as string), context.dims(node.output[0] as string)];
  const resized = (intsAttribute(node, 'axes') ?? [...from.keys()]).map(axis => (axis < 0 ? axis + from.length : axis));
  const crops = stringAttribute(node, 'coordinate_transformation_mode', 'half_pixel') === 'tf_crop_and_resize';
  const roi = crops ? given(context, 1, 'roi') : [];
  const scales = scalesOf(context, resized, from, to);
  return from.map((dim, axis) => {
    const at = resized.indexOf(axis);
    const [start = 0, end = 1] = at < 0 ? [] : [roi[at], roi[at + resized.length]];
    return { from: dim, to: to[axis] as number, scale: at < 0 ? 1 : (scales[at] as number), start, end };
  });
}

/** The scales of the axes that may be resized: those given, the quotients of lengths, or one for all where the aspect is kept. */
function scalesOf(
  context: RuleContext,
  axes: readonly number[],
  from: readonly number[],
  to: readonly number[],
): readonly number[] {
  const scales = given(context, 2, 'scales');
  if (scales.length > 0) return scales;
  const over = (lengths: readonly number[]) =>
    axes.map((axis, at) => Math.fround((lengths[at] as number) / (from[axis] as number)));
  const policy = stringAttribute(context.node, 'keep_aspect_ratio_policy', 'stretch');
  if (policy === 'stretch') return over(axes.map(axis => to[axis] as number));
  const asked = over(given(context, 3, 'sizes'));
  const kept = policy === 'not_larger' ? Math.min(...asked) : Math.max(...asked);
  return axes.map(() => kept);
}

/**
 * What Resize makes of the unit vectors along an axis, [from, to]: ONNX Runtime computes it once, when the session is made. Each vector lies in the
 * last axis of an image of its own, whose one row becomes two, so that something changes where `from` is `to` and the image is not just copied.
 */
function interpolation(context: RuleContext, { from, to, scale, start, end }: Axis): string {
  const quotient = Math.fround(to / from) === scale;
  if (!quotient && Math.trunc(Math.fround(from * scale)) !== to)
    throw new Failure(
      'input',
      `its aspect must be kept by lengths that are rounded down to be differentiated, got ${to} for ${from} times ${scale}`,
    );
  const units = context.op('EyeLike', [context.op('ConstantOfShape', [context.ints([from, from])])]);
  const images = context.op('Reshape', [units, context.ints([from, 1, 1, from])]);
  const roi = context.floats([0, 0, 0, start, 1, 1, 1, end]);
  const size = quotient ? ['', context.ints([from, 1, 2, to])] : [context.floats([1, 1, 2, scale])];
  const resized = context.op('Resize', [images, roi, ...size], attributesOf(context.node));
  const first = context.op('Slice', [resized, context.ints([0]), context.ints([1]), context.ints([2])]);
  return context.op('Reshape', [first, context.ints([from, to])]);
}

/** Whether each element is repeated a whole number of times along the axes of an image. */
function repeats(node: NodeProto, axes: readonly Axis[]): boolean {
  const { mode, nearest_mode: nearest, coordinate_transformation_mode: coordinates } = attributesOf(node);
  return (
    mode === 'nearest' &&
    nearest === 'floor' &&
    coordinates === 'asymmetric' &&
    axes.every(({ scale }) => Number.isInteger(scale)) &&
    axes.slice(0, 2).every(({ scale }) => scale === 1)
  );
}

/**
 * Interpolation is linear, and a product of one matrix for each axis that changes: dx is dy times their transposes. Where elements are
 * repeated, dx sums what each became.
 */
export const resize = rule((context, dy) => {
  const axes = axesOf(context);
  if (axes.every(({ from, to }) => from === to)) return [dy];
  if (repeats(context.node, axes)) {
    const kernel = axes.slice(2).map(({ scale }) => scale);
    const means = context.op('AveragePool', [dy], { kernel_shape: kernel, strides: kernel });
    return [context.op('Mul', [means, context.scalar(elements(kernel))])];
  }
  const dims = axes.map(({ to }) => to);
  let gradient = dy;
  for (const [at, axis] of [...axes.entries()].reverse()) {
    if (axis.scale === 1) continue;
    const matrix = interpolation(context, axis);
    const [before, behind] = [elements(dims.slice(0, at)), elements(dims.slice(at + 1))];
    const flat = (length: number) => (behind === 1 ? [before, length] : [before, length, behind]);
    const value = reshaped(context, gradient, dims, flat(axis.to));
    const product =
      behind === 1 ? context.op('Gemm', [value, matrix], { transB: 1 }) : context.op('MatMul', [matrix, value]);
    dims[at] = axis.from;
    gradient = reshaped(context, product, flat(axis.from), dims);
  }
  return [gradient];
});
