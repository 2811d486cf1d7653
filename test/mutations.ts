import { clone, create } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { floatTensor, graph, intTensor, node, valueInfo } from '../src/onnx/build.js';
import { graphsOf, type Model, mainGraph } from '../src/onnx/model.js';
import {
  DataType,
  FunctionProtoSchema,
  type GraphProto,
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  type TensorProto,
  TensorProtoSchema,
} from '../src/onnx/proto.js';
import { modelOf } from './models.js';

/** One change to a model's graph, as plain numbers so that a failing case can be shrunk and shown. */
export interface Mutation {
  readonly kind: number;
  readonly at: number;
  readonly by: number;
  readonly value: number;
}

export const mutation: fc.Arbitrary<Mutation> = fc.record({
  kind: fc.nat(29),
  at: fc.nat(1000),
  by: fc.nat(1000),
  value: fc.oneof(
    fc.integer({ min: -3, max: 9 }),
    fc.double(),
    fc.constantFrom(2 ** 31, -(2 ** 62), 2 ** 62, 2 ** 53 - 1, 1e-45, 3.4e38),
  ),
});

const operators =
  'Relu LeakyRelu PRelu Clip Max Min Mul Add Sub Div Abs Neg Identity Conv ConvTranspose Gemm MatMul BatchNormalization Concat Split Slice Reshape Transpose Flatten Squeeze Unsqueeze Where Greater Sum Pad MaxPool GlobalAveragePool Resize Dropout Cast Constant Shape Gather If ReduceMean Elu ThresholdedRelu HardSigmoid Sigmoid constructor'.split(
    ' ',
  );
const attributeNames =
  'axis axes group pads perm alpha beta transA transB epsilon to split starts ends min max value keepdims'.split(' ');

const pick = <T>(items: readonly T[], at: number): T | undefined =>
  items.length === 0 ? undefined : items[at % items.length];
const whole = (value: number): bigint => (Number.isFinite(value) ? BigInt.asIntN(64, BigInt(Math.trunc(value))) : 0n);
const element = (value: number): number => (Math.abs(value) > 3.4e38 && Number.isFinite(value) ? 3.4e38 : value);

/** Every name a graph knows, the empty one and one of nobody. */
const namesOf = (of: GraphProto): string[] => [
  ...of.input.map(input => input.name),
  ...of.initializer.map(tensor => tensor.name),
  ...of.node.flatMap(each => each.output),
  '',
  'nobody',
];

/** Numbers for the elements of a float tensor that only its raw bytes hold. */
function fill(tensor: TensorProto, value: number): void {
  if (tensor.dataType !== DataType.FLOAT || tensor.rawData.length % 4 !== 0) return;
  tensor.rawData = new Uint8Array(new Float32Array(tensor.rawData.length / 4).fill(value).buffer);
}

function mutateNode(target: NodeProto, of: GraphProto, { kind, by, value }: Mutation): void {
  const attribute = pick(target.attribute, by);
  switch (kind) {
    case 0:
      if (target.input.length > 0)
        target.input[by % target.input.length] = pick(namesOf(of), Math.abs(Math.trunc(value)) || by) as string;
      return;
    case 1:
      if (target.output.length > 0) target.output[by % target.output.length] = pick(namesOf(of), by) as string;
      return;
    case 2:
      target.opType = pick(operators, by) as string;
      return;
    case 3:
      target.attribute.splice(by % Math.max(1, target.attribute.length), 1);
      return;
    case 4:
      target.input.splice(by % (target.input.length + 1), 1);
      return;
    case 5:
      target.input.push(pick(namesOf(of), by) as string);
      return;
    case 6:
      target.output.push(pick(['', 'new', 'newer', target.output[0] ?? ''], by) as string);
      return;
    case 7:
      target.domain = pick(['', 'ai.onnx', 'com.microsoft', 'local'], by) as string;
      return;
    case 8:
      target.input.reverse();
      return;
    case 9:
      target.name = pick(['', 'same', '\u001b[2J', '__proto__'], by) as string;
      return;
    case 10:
      if (attribute) attribute.i = whole(value);
      return;
    case 11:
      if (attribute) attribute.f = element(value);
      return;
    case 12:
      if (attribute)
        attribute.ints = attribute.ints.map((item, index) =>
          index === by % attribute.ints.length ? whole(value) : item,
        );
      return;
    case 13:
      if (attribute) attribute.ints.push(whole(value));
      return;
    case 14:
      if (attribute) attribute.name = pick(attributeNames, by) as string;
      return;
    case 15:
      target.attribute.push(...node('', [], [], { [pick(attributeNames, by) as string]: whole(value) }).attribute);
      return;
    case 16:
      target.attribute.push(
        ...node('', [], [], { [pick(attributeNames, by) as string]: [whole(value), whole(by)] as never }).attribute,
      );
      return;
    default:
      if (attribute) attribute.type = by % 15;
  }
}

function mutateTensor(target: TensorProto, { kind, by, value }: Mutation): void {
  switch (kind) {
    case 18:
      target.dims.reverse();
      return;
    case 19:
      target.dims = [
        BigInt.asIntN(
          64,
          target.dims.reduce((a, b) => a * b, 1n),
        ),
      ];
      return;
    case 20:
      if (target.dims.length > 0) target.dims[by % target.dims.length] = whole(value);
      return;
    case 21:
      target.dims.splice(by % (target.dims.length + 1), 0, 1n);
      return;
    case 22:
      target.dataType = by % 24;
      return;
    case 23:
      target.rawData = target.rawData.slice(0, by);
      return;
    default:
      fill(target, element(value));
  }
}

function mutateGraph(of: GraphProto, { kind, at, by }: Mutation): void {
  const at0 = at % Math.max(1, of.node.length);
  const chosen = of.node[at0];
  switch (kind) {
    case 25:
      of.node.splice(at0, 1);
      return;
    case 26:
      if (chosen) of.node.splice(by % (of.node.length + 1), 0, clone(NodeProtoSchema, chosen));
      return;
    case 27:
      of.initializer.splice(at % Math.max(1, of.initializer.length), 1);
      return;
    case 28: {
      const tensor = pick(of.initializer, at);
      if (tensor) of.initializer.push({ ...clone(TensorProtoSchema, tensor), name: pick(namesOf(of), by) as string });
      return;
    }
    default: {
      if (!chosen) return;
      const branch = graph({ nodes: [chosen], outputs: chosen.output.map(name => valueInfo(name)) });
      const other = clone(GraphProtoSchema, branch);
      of.node.splice(
        at0,
        1,
        node('If', [of.input[0]?.name ?? ''], [`${chosen.output[0]}_if`], { then_branch: branch, else_branch: other }),
      );
    }
  }
}

/** A copy of the model with all changes made, one after the other. */
export function mutated(model: Model, mutations: readonly Mutation[]): Model {
  const copy: Model = { ...model, proto: clone(ModelProtoSchema, model.proto) };
  for (const each of mutations) {
    const graphs = [...graphsOf(copy.proto)];
    const of = each.by % 4 === 0 ? (pick(graphs, each.at) as GraphProto) : mainGraph(copy);
    const nodes = each.by % 5 === 0 ? copy.proto.functions.flatMap(fn => fn.node) : of.node;
    const target = pick(nodes, each.at);
    const tensor = pick(
      [...of.initializer, ...of.node.flatMap(({ attribute }) => attribute.flatMap(({ t }) => t ?? []))],
      each.at,
    );
    if (each.kind < 18) {
      if (target) mutateNode(target, of, each);
    } else if (each.kind < 25) {
      if (tensor) mutateTensor(tensor, each);
    } else mutateGraph(of, each);
  }
  return copy;
}

/** Small models that have between them what the reader and the audit look at. */
export function constructed(dims: readonly (number | string)[]): Model[] {
  const inputs = [valueInfo('x', dims)];
  const w = (name: string, ...shape: number[]) => {
    const count = shape.reduce((a, b) => a * b, 1);
    return floatTensor(
      name,
      shape,
      Float32Array.from({ length: count }, (_, at) => ((at * 7) % 5) - 2),
    );
  };
  const model = (nodes: NodeProto[], initializers: TensorProto[]): Model =>
    modelOf({ nodes, inputs, outputs: [valueInfo('y')], initializers });
  const withFunction = model(
    [
      node('Conv', ['x', 'w'], ['c']),
      { ...node('Act', ['c'], ['h']), domain: 'local' },
      node('Shape', ['h'], ['shape']),
      node('Size', ['shape'], ['size']),
      node('Greater', ['size', 'three'], ['deep']),
      node('If', ['deep'], ['i'], {
        then_branch: graph({ nodes: [node('Relu', ['h'], ['t'])], outputs: [valueInfo('t')] }),
        else_branch: graph({ nodes: [{ ...node('Act', ['h'], ['e']), domain: 'local' }], outputs: [valueInfo('e')] }),
      }),
      node('Dropout', ['i'], ['y']),
    ],
    [w('w', 4, 3, 1, 1), intTensor('three', [], [3])],
  );
  withFunction.proto.opsetImport.push(create(OperatorSetIdProtoSchema, { domain: 'local', version: 1n }));
  withFunction.proto.functions.push(
    create(FunctionProtoSchema, {
      name: 'Act',
      domain: 'local',
      input: ['a'],
      output: ['b'],
      node: [node('Neg', ['a'], ['t']), node('LeakyRelu', ['t'], ['b'])],
      opsetImport: withFunction.proto.opsetImport.map(set => clone(OperatorSetIdProtoSchema, set)),
    }),
  );
  return [
    model(
      [
        node('Conv', ['x', 'w1', 'b1'], ['c1'], { pads: [1, 1, 1, 1] }),
        node('BatchNormalization', ['c1', 's', 'b1', 'b1', 's'], ['n1']),
        node('Relu', ['n1'], ['r1']),
        node('MaxPool', ['r1'], ['p'], { kernel_shape: [2, 2], strides: [2, 2] }),
        node('Conv', ['p', 'w2'], ['c2'], { group: 2 }),
        node('Add', ['c2', 'p'], ['a']),
        node('LeakyRelu', ['a'], ['r2']),
        node('Concat', ['r2', 'p'], ['k'], { axis: 1 }),
        node('PRelu', ['k', 'slopes'], ['r3']),
        node('Split', ['r3', 'sizes'], ['f', 'g'], { axis: 1 }),
        node('Clip', ['g', 'zero', 'six'], ['r4']),
        node('Mul', ['f', 'r4'], ['m']),
        node('GlobalAveragePool', ['m'], ['q']),
        node('Flatten', ['q'], ['flat']),
        node('Gemm', ['flat', 'w3', 'b3'], ['h'], { transB: 1 }),
        node('Relu', ['h'], ['y']),
      ],
      [
        w('w1', 4, 3, 3, 3),
        w('b1', 4),
        w('s', 4),
        w('w2', 4, 2, 1, 1),
        w('slopes', 8, 1, 1),
        intTensor('sizes', [2], [4, 4]),
        floatTensor('zero', [], [0]),
        floatTensor('six', [], [6]),
        w('w3', 5, 4),
        w('b3', 5),
      ],
    ),
    model(
      [
        node('Transpose', ['w'], ['wt'], { perm: [1, 0] }),
        node('ReduceMean', ['x'], ['v'], { axes: [2, 3], keepdims: 0 }),
        node('MatMul', ['v', 'wt'], ['h']),
        node('Add', ['h', 'b'], ['z']),
        node('Abs', ['z'], ['az']),
        node('Sub', ['z', 'az'], ['d']),
        node('Mul', ['d', 'half'], ['nd']),
        node('Relu', ['z'], ['pz']),
        node('Add', ['pz', 'nd'], ['r']),
        node('Max', ['r', 'zero'], ['r2']),
        node('Greater', ['r2', 'zero'], ['gt']),
        node('Mul', ['r2', 'half'], ['sr']),
        node('Where', ['gt', 'r2', 'sr'], ['r3']),
        node('Slice', ['r3', 'from', 'to', 'axes'], ['s']),
        node('Identity', ['s'], ['y']),
      ],
      [
        w('w', 6, 3),
        w('b', 6),
        floatTensor('half', [], [0.25]),
        floatTensor('zero', [], [0]),
        intTensor('from', [1], [1]),
        intTensor('to', [1], [4]),
        intTensor('axes', [1], [1]),
      ],
    ),
    withFunction,
  ];
}
