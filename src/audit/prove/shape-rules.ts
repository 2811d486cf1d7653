import { intsAttribute, stringAttribute } from '../../onnx/attributes.js';
import type { NodeProto } from '../../onnx/proto.js';
import { monotone } from './arithmetic-rules.js';
import { roundingShare, underflow } from './rounding.js';
import { copyNode, isExact, magnitude, operand, type Rule, type Sketch, slackOf, widened } from './sketch.js';

const product = (dims: readonly number[]) => dims.reduce((a, b) => a * b, 1);

/** An average or a sum with weights that are never negative: the bounds give the bounds, up to rounding. */
const averaged =
  (termsOf: (sketch: Sketch, node: NodeProto) => number | null): Rule =>
  (sketch, node) => {
    const terms = termsOf(sketch, node);
    const share = terms === null ? null : roundingShare(terms);
    const [input, ...more] = node.input as [string, ...string[]];
    if (terms === null || share === null || !more.every(name => isExact(sketch, name))) return null;
    const x = operand(sketch, input);
    const [lower, upper, size] = [x.lower, x.upper, magnitude(sketch, x)].map(
      end => copyNode(sketch, node, [end, ...more])[0] as string,
    ) as [string, string, string];
    return widened(sketch, lower, upper, slackOf(sketch, size, share, underflow(terms, 1)), 0);
  };

/** Elements of the input for each of the output: at least the number that are averaged. */
const reduced = ({ shapes }: Sketch, node: NodeProto): number | null => {
  const [from, to] = [shapes.get(node.input[0] as string), shapes.get(node.output[0] as string)];
  return from && to ? product(from) / Math.max(1, product(to)) : null;
};

const pooled = (_: Sketch, node: NodeProto) => product(intsAttribute(node, 'kernel_shape') ?? []);

/** An average over more elements than 2^16 in one axis does not occur; linear interpolation weighs up to 2 in each of 3 axes, an antialiased one more. */
const interpolated = averaged(() => 2 ** 10);

const resize: Rule = (sketch, node) => {
  const mode = stringAttribute(node, 'mode', 'nearest');
  const isCropped = stringAttribute(node, 'coordinate_transformation_mode', 'half_pixel') === 'tf_crop_and_resize';
  if (isCropped || !node.input.slice(1).every(name => isExact(sketch, name))) return null;
  return mode === 'nearest' ? monotone(sketch, node) : mode === 'linear' ? interpolated(sketch, node) : null;
};

/** Moves elements; which ones must not depend on the model's input. */
const moving: Rule = (sketch, node) =>
  node.input.slice(1).every(name => isExact(sketch, name)) ? monotone(sketch, node) : null;

/** MaxPool's second output holds positions. */
const largest: Rule = (sketch, node) => (node.output.length === 1 ? monotone(sketch, node) : null);

const choose: Rule = (sketch, node) => (isExact(sketch, node.input[0]) ? monotone(sketch, node) : null);

/** Rules of operators that move, pick and average elements. */
export const shapeRules: Readonly<Record<string, Rule>> = {
  Concat: monotone,
  Where: choose,
  MaxPool: largest,
  GlobalMaxPool: monotone,
  Resize: resize,
  Upsample: resize,
  AveragePool: averaged(pooled),
  GlobalAveragePool: averaged(reduced),
  ReduceMean: averaged(reduced),
  ReduceSum: averaged(reduced),
};
const movers =
  'Flatten Reshape Transpose Squeeze Unsqueeze Slice Split Pad Expand Tile Gather DepthToSpace SpaceToDepth ReduceMax ReduceMin';
for (const op of movers.split(' ')) (shapeRules as Record<string, Rule>)[op] = moving;
