import { create } from '@bufbuild/protobuf';
import { Failure } from '../failure.js';
import { floatAttribute, intAttribute, intsAttribute, isStandard, stringAttribute } from './attributes.js';
import { floatTensor, intTensor, node } from './build.js';
import { constantLookup } from './constants.js';
import { freshNames } from './edit.js';
import { copyModel, graphsOf, type Model, mainGraph, opsetOf } from './model.js';
import { AttributeProtoSchema, AttributeType, type NodeProto, type TensorProto } from './proto.js';
import { ranksOf } from './ranks.js';
import { indexGraph, nodeName } from './scope.js';

/** What a change may use: constants of the main graph and names that are not taken. */
interface Raising {
  ints(values: readonly number[]): string;
  scalar(value: number): string;
  floats(values: readonly number[]): string;
  fresh(base: string): string;
  /** The number of axes of a value, null where it is not known. */
  rank(value: string): number | null;
}

/** Nodes that do in the newer opset what the given one does in the older. */
type Change = (raising: Raising, node: NodeProto) => NodeProto[];

const drop = (node: NodeProto, ...names: string[]): void => {
  node.attribute = node.attribute.filter(({ name }) => !names.includes(name));
};
const set = (node: NodeProto, name: string, value: number): void => {
  drop(node, name);
  node.attribute.push(create(AttributeProtoSchema, { name, type: AttributeType.INT, i: BigInt(value) }));
};
const unsupported = (node: NodeProto, must: string, got: string) =>
  new Failure('input', `raise opset: node '${nodeName(node)}' (${node.opType}) ${must}, got ${got}`);

/** Attributes that became inputs, in their order; '' for those that are missing, none behind the last. */
function toInputs(node: NodeProto, inputs: readonly string[], ...names: string[]): NodeProto[] {
  const given = [...inputs];
  while (given.at(-1) === '') given.pop();
  node.input = [node.input[0] as string, ...given];
  drop(node, ...names);
  return [node];
}

const axesToInput: Change = ({ ints }, node) => {
  const axes = intsAttribute(node, 'axes');
  return toInputs(node, axes ? [ints(axes)] : [], 'axes');
};

const split: Change = ({ ints }, node) => {
  const lengths = intsAttribute(node, 'split');
  return toInputs(node, lengths ? [ints(lengths)] : [], 'split');
};

const topK: Change = ({ ints }, node) => toInputs(node, [ints([intAttribute(node, 'k', 1)])], 'k');

const pad: Change = ({ ints, scalar }, node) => {
  const pads = intsAttribute(node, 'pads') ?? intsAttribute(node, 'paddings') ?? [];
  const value = floatAttribute(node, 'value', 0);
  return toInputs(node, [ints(pads), value === 0 ? '' : scalar(value)], 'pads', 'paddings', 'value');
};

const slice: Change = ({ ints }, node) => {
  const [starts, ends] = [intsAttribute(node, 'starts') ?? [], intsAttribute(node, 'ends') ?? []];
  const axes = intsAttribute(node, 'axes');
  return toInputs(node, [ints(starts), ints(ends), axes ? ints(axes) : ''], 'starts', 'ends', 'axes');
};

const clip: Change = ({ scalar }, node) => {
  const bound = (name: string) => {
    const value = floatAttribute(node, name, Number.NaN);
    return Number.isNaN(value) ? '' : scalar(value);
  };
  return toInputs(node, [bound('min'), bound('max')], 'min', 'max');
};

/** Up to opset 11 the operator is its own inference: nothing is dropped. */
const dropout: Change = (_, node) => {
  drop(node, 'ratio');
  return [node];
};

/** Up to opset 13 more than one output means training; the saved statistics, which no later opset gives, must be unread. */
const batchNormalization: Change = (_, node) => {
  if (intAttribute(node, 'spatial', 1) === 0)
    throw unsupported(node, 'must have statistics per channel', 'spatial = 0');
  drop(node, 'spatial');
  if (node.output.slice(1).some(name => name !== '')) {
    set(node, 'training_mode', 1);
    node.output = node.output.slice(0, 3);
  }
  return [node];
};

/** Up to opset 12 all axes from `axis` (by default 1) on share one sum. */
const softmax: Change = ({ fresh, rank }, original) => {
  const [input, output] = [original.input[0] as string, original.output[0] as string];
  const axis = intAttribute(original, 'axis', 1);
  if (axis === -1 || axis + 1 === rank(input)) {
    set(original, 'axis', -1);
    return [original];
  }
  const [flat, shares, shape] = [fresh(`${output}/flat`), fresh(`${output}/shares`), fresh(`${output}/shape`)];
  return [
    node('Flatten', [input], [flat], { axis }),
    node(original.opType, [flat], [shares], { axis: -1 }),
    node('Shape', [input], [shape]),
    node('Reshape', [shares, shape], [output]),
  ];
};

/** Enlarging by Resize, as Upsample defined it: positions are divided by the scale. */
const upsample: Change = ({ floats }, original) => {
  const mode = stringAttribute(original, 'mode', 'nearest');
  const given = original.attribute.find(({ name }) => name === 'scales');
  const scales = original.input[1] ?? floats(given?.floats ?? []);
  const attributes = { mode, coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' };
  return [node('Resize', [original.input[0] as string, '', scales], original.output, attributes)];
};

const refused: Change = (_, node) => {
  throw unsupported(node, 'must be one that later opsets define alike', 'a form that they do not');
};

/** The operators whose form changed, with the opset that changed it. Operators that are not here mean the same from opset 7 to 17. */
const changes: Readonly<Record<string, { readonly since: number; readonly change: Change }>> = {
  BatchNormalization: { since: 14, change: batchNormalization },
  Clip: { since: 11, change: clip },
  Dropout: { since: 12, change: dropout },
  Hardmax: { since: 13, change: softmax },
  LogSoftmax: { since: 13, change: softmax },
  Pad: { since: 11, change: pad },
  ReduceSum: { since: 13, change: axesToInput },
  Resize: { since: 11, change: refused },
  Scan: { since: 8, change: refused },
  Slice: { since: 10, change: slice },
  Softmax: { since: 13, change: softmax },
  Split: { since: 13, change: split },
  Squeeze: { since: 13, change: axesToInput },
  TopK: { since: 10, change: topK },
  Unsqueeze: { since: 13, change: axesToInput },
  Upsample: { since: 10, change: upsample },
};

/**
 * The model in a later opset: what changed form between its opset and the target, both from 7 to 17, is rewritten so that it computes the
 * same, in the bodies of control flow as well. Models of the target's opset and above are returned as they are. Throws a Failure that names
 * a node which later opsets cannot express, and for models below opset 7.
 */
export function raiseOpset(original: Model, target: number): Model {
  const from = opsetOf(original);
  if (from >= target) return original;
  if (from < 7) throw new Failure('input', `raise opset: the model must be of opset 7 or above, got ${from}`);
  const model = copyModel(original);
  const main = mainGraph(model);
  const fresh = freshNames(model);
  const constants = new Map<string, string>();
  const constant = (key: string, make: (name: string) => TensorProto): string => {
    const known = constants.get(key);
    if (known !== undefined) return known;
    const name = fresh(key);
    main.initializer.push(make(name));
    constants.set(key, name);
    return name;
  };
  const ranks = ranksOf(indexGraph(original), constantLookup(original.external));
  const raising: Raising = {
    fresh,
    rank: value => ranks.get(value) ?? null,
    floats: values => constant(`floats_${values.join('_')}`, name => floatTensor(name, [values.length], values)),
    ints: values => constant(`ints_${values.join('_')}`, name => intTensor(name, [values.length], values)),
    scalar: value => constant(`scalar_${value}`, name => floatTensor(name, [], [value])),
  };
  for (const graph of graphsOf(model.proto))
    graph.node = graph.node.flatMap(each => {
      const changed = isStandard(each) ? changes[each.opType] : undefined;
      return changed && from < changed.since && target >= changed.since ? changed.change(raising, each) : [each];
    });
  for (const set of model.proto.opsetImport)
    if (set.domain === '' || set.domain === 'ai.onnx') set.version = BigInt(target);
  // Initializers that are not inputs are allowed since IR version 4, opset 17 since 8.
  if (model.proto.irVersion < 8n) model.proto.irVersion = 8n;
  return model;
}
