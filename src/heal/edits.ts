import { node as build } from '../onnx/build.js';
import { freshNames, insertAfter } from '../onnx/edit.js';
import { copyModel, type Model, mainGraph } from '../onnx/model.js';
import { DataType, type NodeProto, type TensorProto } from '../onnx/proto.js';
import type { Scope } from '../onnx/scope.js';
import { tensorNumbers } from '../onnx/tensor.js';
import { tensorNamed } from './own-tensor.js';
import { setNumbers, typedTensor } from './typed-tensor.js';

/** A copy of a model whose weights are being changed, addressed by the names and nodes of the original's main graph. */
export interface Edits {
  readonly model: Model;
  /** The numbers of a tensor, to be changed in place, in float64; `write` puts them into the copy. */
  numbers(name: string): Float64Array;
  /** The bias of a layer as numbers; where the node has none, one of zeros is added, for a MatMul as an Add behind it. */
  bias(node: NodeProto, units: number): Float64Array;
  /** The same where the node has a bias of its own, or was given one; null where it has none. */
  givenBias(node: NodeProto): Float64Array | null;
  write(): void;
}

/** Starts to edit a copy of the model that `scope` indexes. */
export function startEdits(original: Model, scope: Scope): Edits {
  const model = copyModel(original);
  const graph = mainGraph(model);
  const fresh = freshNames(model);
  const nodeOf = new Map(scope.graph.node.map((node, at) => [node, graph.node[at] as NodeProto]));
  const initializers = new Map(graph.initializer.map(tensor => [tensor.name, tensor]));
  const opened = new Map<string, { tensor: TensorProto; values: Float64Array }>();
  const tensorOf = (name: string): TensorProto => {
    const writer = scope.producer.get(name);
    const copied = writer && nodeOf.get(writer)?.attribute.find(({ t }) => t)?.t;
    return (initializers.get(name) ?? copied) as TensorProto;
  };
  const numbers: Edits['numbers'] = name => {
    const known = opened.get(name);
    if (known) return known.values;
    const tensor = tensorOf(name);
    const values = Float64Array.from(tensorNumbers(tensor, model.external) as ArrayLike<number>);
    opened.set(name, { tensor, values });
    return values;
  };
  /** Biases of matrix products, added behind them. */
  const behind = new Map<NodeProto, string>();
  const biasName = (node: NodeProto) => behind.get(node) ?? nodeOf.get(node)?.input[2];
  return {
    model,
    numbers,
    bias(node, units) {
      const copy = nodeOf.get(node) as NodeProto;
      const given = biasName(node);
      if (given) return numbers(given);
      const type = tensorNamed(scope, node.input[1] as string)?.dataType ?? DataType.FLOAT;
      const result = copy.output[0] as string;
      const tensor = typedTensor(type, fresh(`${result}/bias`), [units], new Float64Array(units));
      graph.initializer.push(tensor);
      initializers.set(tensor.name, tensor);
      if (copy.opType === 'MatMul') {
        const inner = fresh(`${result}/unshifted`);
        copy.output[0] = inner;
        insertAfter(graph, inner, [Object.assign(build('Add', [inner, tensor.name], [result]), { name: tensor.name })]);
        behind.set(node, tensor.name);
      } else copy.input[2] = tensor.name;
      return numbers(tensor.name);
    },
    givenBias(node) {
      const name = biasName(node);
      return name ? numbers(name) : null;
    },
    write() {
      for (const { tensor, values } of opened.values()) setNumbers(tensor, values);
    },
  };
}
