import { intsAttribute, stringAttribute } from '../../onnx/attributes.js';
import type { NodeProto } from '../../onnx/proto.js';
import type { Writer } from '../writer.js';

/**
 * How windows lie over the spatial axes of a tensor: window i of an axis reads i * stride - begin + dilation * (0 … kernel - 1).
 * `end` is the padding behind that the last window needs; negative where it leaves elements unread.
 */
export interface Windows {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly begin: readonly number[];
  readonly end: readonly number[];
}

type Attributes = Pick<Windows, 'kernel' | 'strides' | 'dilations'>;

const attributesOf = (node: NodeProto, kernel: readonly number[]): Attributes => ({
  kernel,
  strides: intsAttribute(node, 'strides') ?? kernel.map(() => 1),
  dilations: intsAttribute(node, 'dilations') ?? kernel.map(() => 1),
});

const at = (list: readonly number[], axis: number) => list[axis] as number;

/** What all windows together span on an axis, padding included. */
const spanned = ({ kernel, strides, dilations }: Attributes, windows: number, axis: number): number =>
  (windows - 1) * at(strides, axis) + (at(kernel, axis) - 1) * at(dilations, axis) + 1;

/** The padding in front, where `missing(axis)` is all that "same" padding adds. */
function paddingInFront(node: NodeProto, kernel: readonly number[], missing: (axis: number) => number): number[] {
  const auto = stringAttribute(node, 'auto_pad', 'NOTSET');
  if (auto === 'NOTSET') return (intsAttribute(node, 'pads') ?? kernel.map(() => 0)).slice(0, kernel.length);
  if (auto === 'VALID') return kernel.map(() => 0);
  return kernel.map((_, axis) => (auto === 'SAME_UPPER' ? Math.floor : Math.ceil)(Math.max(0, missing(axis)) / 2));
}

function settled(
  attributes: Attributes,
  large: readonly number[],
  small: readonly number[],
  begin: readonly number[],
): Windows {
  const end = large.map((dim, axis) => spanned(attributes, at(small, axis), axis) - dim - at(begin, axis));
  return { ...attributes, begin, end };
}

/** The windows of a Conv or pooling from the spatial dimensions of its input and output. */
export function windowsOf(
  node: NodeProto,
  kernel: readonly number[],
  input: readonly number[],
  output: readonly number[],
): Windows {
  const attributes = attributesOf(node, kernel);
  const missing = (axis: number) => spanned(attributes, at(output, axis), axis) - at(input, axis);
  return settled(attributes, input, output, paddingInFront(node, kernel, missing));
}

/** The windows of a ConvTranspose, which lie over its output. */
export function transposedWindowsOf(
  node: NodeProto,
  kernel: readonly number[],
  input: readonly number[],
  output: readonly number[],
): Windows {
  const attributes = attributesOf(node, kernel);
  const added = intsAttribute(node, 'output_padding') ?? kernel.map(() => 0);
  const missing = (axis: number) => spanned(attributes, at(input, axis), axis) + at(added, axis) - at(output, axis);
  const shaped = intsAttribute(node, 'output_shape') !== null;
  const upper = stringAttribute(node, 'auto_pad', 'NOTSET') === 'SAME_UPPER';
  const begin = shaped
    ? kernel.map((_, axis) => (upper ? Math.floor : Math.ceil)(Math.max(0, missing(axis)) / 2))
    : paddingInFront(node, kernel, missing);
  return settled(attributes, output, input, begin);
}

/** The windows of the other axes: on the first each sees one element, where it is. */
export const withoutRows = ({ kernel, strides, dilations, begin, end }: Windows): Windows => ({
  kernel: kernel.with(0, 1),
  strides: strides.with(0, 1),
  dilations: dilations.with(0, 1),
  begin: begin.with(0, 0),
  end: end.with(0, 0),
});

const noLess = (values: readonly number[]) => values.map(value => Math.max(0, value));

/** The attributes of a Conv over these windows. */
export const convAttributes = ({ strides, dilations, begin, end }: Windows) => ({
  strides,
  dilations,
  pads: [...begin, ...noLess(end)],
});

/** The attributes of the ConvTranspose that takes windows back to where they came from. */
export const convTransposeAttributes = (windows: Windows) => ({
  ...convAttributes(windows),
  output_padding: noLess(windows.end.map(end => -end)),
});

/** What the windows see at each position of the kernel, row-major: as many values, each [N, C, …windows]. */
export function views(
  writer: Writer,
  value: string,
  { kernel, strides, dilations, begin, end }: Windows,
  counts: readonly number[],
): string[] {
  const positions = kernel.reduce<number[][]>(
    (all, size) => all.flatMap(position => Array.from({ length: size }, (_, step) => [...position, step])),
    [[]],
  );
  const pads = [0, 0, ...begin, 0, 0, ...noLess(end)];
  const padded = pads.every(pad => pad === 0) ? value : writer.op('Pad', [value, writer.ints(pads)]);
  const everyStride1 = strides.every(stride => stride === 1);
  if (positions.length === 1 && everyStride1 && end.every(pad => pad >= 0)) return [padded];
  const attributes = { kernel, strides, dilations };
  const dims = counts.map((count, axis) => spanned(attributes, count, axis) - at(begin, axis) - at(end, axis));
  const seesAll = everyStride1 && counts.every((count, axis) => count === dims[axis]);
  return positions.map(position => {
    const starts = position.map((step, axis) => step * at(dilations, axis));
    if (seesAll && starts.every((start, axis) => start === begin[axis])) return value;
    const ends = starts.map((start, axis) => start + (at(counts, axis) - 1) * at(strides, axis) + 1);
    const axes = kernel.map((_, axis) => axis + 2);
    return writer.op('Slice', [
      padded,
      writer.ints(starts),
      writer.ints(ends),
      writer.ints(axes),
      writer.ints(strides),
    ]);
  });
}
