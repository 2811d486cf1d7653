import { Failure } from '../../failure.js';
import { intAttribute, intsAttribute, stringAttribute } from '../../onnx/attributes.js';
import { DataType } from '../../onnx/proto.js';
import { elements, type RuleContext, rule } from '../rule.js';
import { spread, toExtremes } from './reduce.js';
import { convTransposeAttributes, type Windows, windowsOf } from './windows.js';

const spatial = (context: RuleContext, value: string) => context.dims(value).slice(2);

function poolWindows(context: RuleContext): Windows {
  const { node } = context;
  const kernel = intsAttribute(node, 'kernel_shape') as number[];
  return windowsOf(node, kernel, spatial(context, node.input[0] as string), spatial(context, node.output[0] as string));
}

/** Whether every element lies in exactly one window, and no window over the edge. */
const isTiling = ({ kernel, strides, dilations, begin, end }: Windows): boolean =>
  [...begin, ...end].every(pad => pad === 0) &&
  kernel.every((size, axis) => size === strides[axis] && (size === 1 || dilations[axis] === 1));

/** Each element repeated over its window. Resize to the nearest is several times faster than Expand, Gather or DepthToSpace (measured). */
const enlarged = (context: RuleContext, value: string, kernel: readonly number[]): string =>
  context.op('Resize', [value, '', context.floats([1, 1, ...kernel])], {
    mode: 'nearest',
    nearest_mode: 'floor',
    coordinate_transformation_mode: 'asymmetric',
  });

/** Where windows tile the input, the gradient goes to the elements that equal the maximum, in equal shares: no indices are needed, which ONNX Runtime is slow to find. */
function tiledMax(context: RuleContext, dy: string, kernel: readonly number[]): string {
  const [x, y] = [context.node.input[0] as string, context.node.output[0] as string];
  const attained = context.op('Cast', [context.op('Equal', [x, enlarged(context, y, kernel)])], { to: DataType.FLOAT });
  const share = context.op('AveragePool', [attained], { kernel_shape: kernel, strides: kernel });
  const scaled = context.op('Mul', [dy, context.scalar(1 / elements(kernel))]);
  const dx = context.op('Mul', [attained, enlarged(context, context.op('Div', [scaled, share]), kernel)]);
  context.sumsLike(dx, dy);
  return dx;
}

/** Elsewhere it goes where MaxPool says, to the first of the largest. */
function indexedMax(context: RuleContext, dy: string): string {
  const [x, y] = [context.node.input[0] as string, context.node.output[0] as string];
  if (intAttribute(context.node, 'storage_order', 0) !== 0)
    throw new Failure('input', 'storage_order must be 0 to be differentiated, got 1');
  const flat = (value: string) => context.op('Reshape', [value, context.ints([elements(context.dims(y))])]);
  const empty = context.op('ConstantOfShape', [context.ints([elements(context.dims(x))])]);
  const sums = context.op('ScatterElements', [empty, flat(context.output(1)), flat(dy)], { axis: 0, reduction: 'add' });
  return context.op('Reshape', [sums, context.ints(context.dims(x))]);
}

export const maxPool = rule((context, dy) => {
  const windows = poolWindows(context);
  const found = (context.node.output[1] ?? '') !== '';
  return [isTiling(windows) && !found ? tiledMax(context, dy, windows.kernel) : indexedMax(context, dy)];
});

/** How many elements each window divides by, along one axis: those inside the input, or inside the padding that the node declares. */
function divisors(context: RuleContext, windows: Windows, axis: number): number[] {
  const { node } = context;
  const at = (list: readonly number[]) => list[axis] as number;
  const dim = spatial(context, node.input[0] as string)[axis] as number;
  const padded = intAttribute(node, 'count_include_pad', 0) === 1;
  const explicit = stringAttribute(node, 'auto_pad', 'NOTSET') === 'NOTSET';
  const pads = intsAttribute(node, 'pads');
  const behind = explicit ? (pads?.[axis + windows.kernel.length] ?? 0) : Math.max(0, at(windows.end));
  const [low, high] = padded ? [-at(windows.begin), dim + behind] : [0, dim];
  return Array.from({ length: spatial(context, node.output[0] as string)[axis] as number }, (_, window) => {
    const start = window * at(windows.strides) - at(windows.begin);
    const read = Array.from({ length: at(windows.kernel) }, (_, step) => start + step * at(windows.dilations));
    return read.filter(position => position >= low && position < high).length;
  });
}

/** Every element of a window gets its share of the gradient. */
export const averagePool = rule((context, dy) => {
  const { node } = context;
  const windows = poolWindows(context);
  const along = windows.kernel.map((_, axis) => divisors(context, windows, axis));
  const size = elements(windows.kernel);
  const even = along.every((counts, axis) => counts.every(count => count === windows.kernel[axis]));
  let scaled = even ? context.op('Mul', [dy, context.scalar(1 / size)]) : dy;
  if (!even)
    for (const [axis, counts] of along.entries()) {
      const shape = along.map((_, other) => (other === axis ? counts.length : 1));
      const divisor = context.op('Reshape', [context.floats(counts), context.ints([1, 1, ...shape])]);
      scaled = context.op('Div', [scaled, divisor]);
    }
  if (isTiling(windows)) {
    const dx = enlarged(context, scaled, windows.kernel);
    context.sumsLike(dx, dy);
    return [dx];
  }
  const channels = context.dims(node.input[0] as string)[1] as number;
  const ones = context.filled([channels, 1, ...windows.kernel], 1);
  return [context.op('ConvTranspose', [scaled, ones], { ...convTransposeAttributes(windows), group: channels })];
});

const spatialAxes = (context: RuleContext) =>
  spatial(context, context.node.input[0] as string).map((_, axis) => axis + 2);

export const globalAveragePool = rule((context, dy) => [
  spread(context, dy, spatialAxes(context), 1 / elements(spatial(context, context.node.input[0] as string))),
]);

export const globalMaxPool = rule((context, dy) => [
  toExtremes(context, dy, [context.node.input[0] as string, context.node.output[0] as string], spatialAxes(context)),
]);
