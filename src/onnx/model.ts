import { clone, fromBinary, toBinary } from '@bufbuild/protobuf';
import { Failure } from '../failure.js';
import { subgraphs } from './attributes.js';
import {
  type GraphProto,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  type SparseTensorProto,
  type TensorProto,
} from './proto.js';
import { checkTensor, type ExternalData, elementType, isExternal, rawBytes } from './tensor.js';
import type { InputSpec } from './tensor-data.js';

/** An ONNX model in memory: the file's message, and the contents of the files beside it that hold weights. */
export interface Model {
  readonly name: string;
  readonly proto: ModelProto;
  readonly external: ExternalData;
  /** Size of the file in bytes, external data not counted. */
  readonly bytes: number;
}

const fail = (name: string, must: string, got: string) =>
  new Failure('input', `read model '${name}': ${must}, got ${got}`);

function parse(bytes: Uint8Array, name: string): ModelProto {
  if (bytes.length === 0) throw fail(name, 'the file must be an ONNX model', 'an empty file');
  try {
    return fromBinary(ModelProtoSchema, bytes);
  } catch (cause) {
    const isDeep = (cause as Error).message.includes('recursion depth');
    const must = isDeep ? 'messages must nest at most 100 deep' : 'the file must be a whole ONNX protobuf';
    const got = isDeep ? 'deeper ones' : 'a truncated or damaged one, or something else';
    throw new Failure('input', `read model '${name}': ${must}, got ${got}`, { cause });
  }
}

/** Control flow nests a few levels in practice; a model that nests deeper is hostile and would exhaust the stack. */
const deepestNesting = 50;

/** What may hold subgraphs and tensors in its attributes: a node, or a function with its defaults. */
type Attributed = Pick<NodeProto, 'attribute'>;

/**
 * Every graph of a model, outermost first, bodies of control flow and functions included. Throws a Failure for graphs nested deeper than 50 levels.
 *
 * @example
 * import { graph, graphsOf, modelProto, node } from 'reluminate/onnx';
 * const branch = name => graph({ name, nodes: [node('Relu', ['x'], ['out'])] });
 * const choice = node('If', ['test'], ['y'], { then_branch: branch('then'), else_branch: branch('else') });
 * const proto = modelProto(graph({ name: 'main', nodes: [choice] }));
 * [...graphsOf(proto)].map(({ name }) => name); // => ["main", "then", "else"]
 */
export function* graphsOf(proto: ModelProto): Generator<GraphProto> {
  const nested = function* (nodes: readonly Attributed[], depth = 1): Generator<GraphProto> {
    for (const node of nodes) {
      for (const { graph } of subgraphs(node)) {
        if (depth > deepestNesting)
          throw new Failure('input', `read model: subgraphs must nest at most ${deepestNesting} deep, got deeper ones`);
        yield graph;
        yield* nested(graph.node, depth + 1);
      }
    }
  };
  if (proto.graph) {
    yield proto.graph;
    yield* nested(proto.graph.node);
  }
  for (const fn of proto.functions) yield* nested([...fn.node, { attribute: fn.attributeProto }]);
}

/**
 * Every tensor of a model: initializers and the tensors in attributes of nodes, values and indices of sparse ones included.
 *
 * @example
 * import { floatTensor, graph, modelProto, node, tensorsOf } from 'reluminate/onnx';
 * const slope = node('Constant', [], ['slope'], { value: floatTensor('given', [1], [0.25]) });
 * const proto = modelProto(graph({ nodes: [slope], initializers: [floatTensor('w', [2], [1, 2])] }));
 * [...tensorsOf(proto)].map(({ name }) => name); // => ["w", "given"]
 */
export function* tensorsOf(proto: ModelProto): Generator<TensorProto> {
  const ofSparse = function* ({ values, indices }: SparseTensorProto): Generator<TensorProto> {
    if (values) yield values;
    if (indices) yield indices;
  };
  const ofNodes = function* (nodes: readonly Attributed[]): Generator<TensorProto> {
    for (const node of nodes) {
      for (const attribute of node.attribute) {
        if (attribute.t) yield attribute.t;
        yield* attribute.tensors;
        if (attribute.sparseTensor) yield* ofSparse(attribute.sparseTensor);
        for (const sparse of attribute.sparseTensors) yield* ofSparse(sparse);
      }
    }
  };
  for (const graph of graphsOf(proto)) {
    yield* graph.initializer;
    for (const sparse of graph.sparseInitializer) yield* ofSparse(sparse);
    yield* ofNodes(graph.node);
  }
  for (const fn of proto.functions) yield* ofNodes([...fn.node, { attribute: fn.attributeProto }]);
}

/**
 * Reads an ONNX model from its bytes. Files beside the model that hold weights are passed in `external`, by location.
 * Throws a Failure for anything that is not a whole ONNX model, and for tensors whose declared size and data disagree.
 *
 * @example
 * import { graph, modelProto, node, readModel, valueInfo, writeModel } from 'reluminate/onnx';
 * const relu = graph({ nodes: [node('Relu', ['x'], ['y'])], inputs: [valueInfo('x', ['N', 4])], outputs: [valueInfo('y')] });
 * const bytes = writeModel({ proto: modelProto(relu), external: new Map(), name: 'relu', bytes: 0 });
 * readModel(bytes).proto.graph.node[0].opType; // => "Relu"
 */
export function readModel(
  bytes: Uint8Array,
  { name = 'model', external = new Map() as ExternalData }: { name?: string; external?: ExternalData } = {},
): Model {
  const proto = parse(bytes, name);
  if (!proto.graph || proto.opsetImport.length === 0)
    throw fail(name, 'the file must hold an ONNX graph and its operator sets', `${bytes.length} bytes without them`);
  for (const tensor of tensorsOf(proto)) if (!isExternal(tensor)) checkTensor(tensor, external);
  return { name, proto, external, bytes: bytes.length };
}

/**
 * Writes a model; every field that was read, known or not, is kept, and external data stays where it is.
 *
 * @example
 * import { graph, modelProto, node, readModel, writeModel } from 'reluminate/onnx';
 * const proto = modelProto(graph({ name: 'tiny', nodes: [node('Relu', ['x'], ['y'])] }));
 * const bytes = writeModel({ name: 'tiny', proto, external: new Map(), bytes: 0 });
 * bytes instanceof Uint8Array; // => true
 * readModel(bytes).proto.graph.name; // => "tiny"
 */
export const writeModel = (model: Model): Uint8Array => toBinary(ModelProtoSchema, model.proto);

/**
 * A deep copy whose graph can be edited without touching the original; external data is shared.
 *
 * @example
 * import { copyModel, graph, mainGraph, modelProto, node } from 'reluminate/onnx';
 * const proto = modelProto(graph({ nodes: [node('Relu', ['x'], ['y'])] }));
 * const model = { name: 'm', proto, external: new Map(), bytes: 0 };
 * const copy = copyModel(model);
 * mainGraph(copy).node[0].opType = 'Elu';
 * [mainGraph(model).node[0].opType, mainGraph(copy).node[0].opType]; // => ["Relu", "Elu"]
 */
export const copyModel = (model: Model): Model => ({ ...model, proto: clone(ModelProtoSchema, model.proto) });

/**
 * The main graph. `readModel` has checked that there is one.
 *
 * @example
 * import { graph, mainGraph, modelProto, node } from 'reluminate/onnx';
 * const proto = modelProto(graph({ nodes: [node('Abs', ['x'], ['h']), node('Relu', ['h'], ['y'])] }));
 * const model = { name: 'm', proto, external: new Map(), bytes: 0 };
 * mainGraph(model).node.map(({ opType }) => opType); // => ["Abs", "Relu"]
 */
export const mainGraph = (model: Model): GraphProto => model.proto.graph as GraphProto;

/**
 * The version of the standard operator set.
 *
 * @example
 * import { graph, modelProto, node, opsetOf } from 'reluminate/onnx';
 * const proto = modelProto(graph({ nodes: [node('Relu', ['x'], ['y'])] }), 13);
 * opsetOf({ name: 'm', proto, external: new Map(), bytes: 0 }); // => 13
 */
export const opsetOf = (model: Model): number =>
  Number(model.proto.opsetImport.find(set => set.domain === '' || set.domain === 'ai.onnx')?.version ?? 1n);

/**
 * The inputs a caller has to feed: those of the main graph that no initializer fills. Throws a Failure for inputs that are not tensors.
 *
 * @example
 * import { floatTensor, graph, inputSpecs, modelProto, node, valueInfo } from 'reluminate/onnx';
 * const main = graph({
 *   nodes: [node('MatMul', ['x', 'w'], ['y'])],
 *   inputs: [valueInfo('x', ['batch', 2]), valueInfo('w', [2, 1])],
 *   initializers: [floatTensor('w', [2, 1], [1, -1])],
 * });
 * const model = { name: 'm', proto: modelProto(main), external: new Map(), bytes: 0 };
 * inputSpecs(model); // => [{ name: 'x', type: 'float32', dims: ['batch', 2] }]
 */
export function inputSpecs(model: Model): InputSpec[] {
  const graph = mainGraph(model);
  const filled = new Set(graph.initializer.map(tensor => tensor.name));
  for (const { values } of graph.sparseInitializer) if (values) filled.add(values.name);
  return graph.input
    .filter(input => !filled.has(input.name))
    .map(input => {
      const type = input.type?.value.case === 'tensorType' ? input.type.value.value : null;
      const element = type && elementType(type.elemType);
      if (!type || !element)
        throw fail(model.name, `input '${input.name}' must be a numeric tensor`, input.type?.value.case ?? 'no type');
      // Some exporters write -1 for a free dimension.
      const dims = type.shape?.dim.map(({ value }) =>
        value.case === 'dimParam'
          ? value.value
          : value.case === 'dimValue' && value.value >= 0n
            ? Number(value.value)
            : null,
      );
      return { name: input.name, type: element, dims: dims ?? [] };
    });
}

/**
 * A copy with all external data moved into the message, so that its bytes stand alone. Throws a Failure where that exceeds protobuf's 2 GiB.
 *
 * @example
 * import { create } from '@bufbuild/protobuf';
 * import { StringStringEntryProtoSchema } from 'onnx-buf';
 * import { embedExternal, floatTensor, graph, mainGraph, modelProto, tensorNumbers } from 'reluminate/onnx';
 * const location = create(StringStringEntryProtoSchema, { key: 'location', value: 'w.bin' });
 * const weight = Object.assign(floatTensor('w', [2], []), { dataLocation: 1, externalData: [location] });
 * const proto = modelProto(graph({ nodes: [], initializers: [weight] }));
 * const external = new Map([['w.bin', new Uint8Array(Float32Array.of(1, -2).buffer)]]);
 * const alone = embedExternal({ name: 'm', proto, external, bytes: 0 });
 * Array.from(tensorNumbers(mainGraph(alone).initializer[0], new Map())); // => [1, -2]
 */
export function embedExternal(model: Model): Model {
  if (![...tensorsOf(model.proto)].some(isExternal)) return model;
  const copy = copyModel(model);
  let total = model.bytes;
  for (const tensor of tensorsOf(copy.proto)) {
    if (!isExternal(tensor)) continue;
    const data = rawBytes(tensor, model.external) ?? new Uint8Array();
    total += data.length;
    if (total >= 2 ** 31) throw fail(model.name, 'model and weights must stay below 2 GiB', 'more');
    tensor.rawData = data as Uint8Array<ArrayBuffer>;
    tensor.externalData = [];
    tensor.dataLocation = 0;
  }
  return copy;
}
