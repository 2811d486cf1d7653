import { floatAttribute, intAttribute, intsAttribute, tensorAttribute } from './attributes.js';
import type { NodeProto, TensorProto } from './proto.js';
import type { Scope } from './scope.js';
import { dimsOf, type ExternalData, type Numbers, tensorNumbers } from './tensor.js';

/** A value that is known from the file alone. `source` is the initializer or Constant it comes from, before reshaping. */
export interface Constant {
  readonly source: string;
  readonly dims: readonly number[];
  readonly data: Numbers;
}

/** Looks a value up as a constant: an initializer, a Constant node, or either behind Identity, Cast, Reshape, Squeeze, Unsqueeze, Flatten, Neg or Transpose of a matrix. Null for anything else. */
export type ConstantLookup = (scope: Scope, value: string) => Constant | null;

const product = (dims: readonly number[]) => dims.reduce((a, b) => a * b, 1);

function ofTensor(tensor: TensorProto, name: string, external: ExternalData): Constant | null {
  const data = tensorNumbers(tensor, external);
  return data && { source: name, dims: dimsOf(tensor), data };
}

function ofConstantNode(node: NodeProto, external: ExternalData): Constant | null {
  const name = node.output[0] as string;
  const tensor = tensorAttribute(node, 'value');
  if (tensor) return ofTensor(tensor, name, external);
  const given = node.attribute[0];
  switch (given?.name) {
    case 'value_float':
      return { source: name, dims: [], data: Float32Array.of(floatAttribute(node, 'value_float', 0)) };
    case 'value_floats':
      return { source: name, dims: [given.floats.length], data: Float32Array.from(given.floats) };
    case 'value_int':
      return { source: name, dims: [], data: Float64Array.of(intAttribute(node, 'value_int', 0)) };
    case 'value_ints':
      return { source: name, dims: [given.ints.length], data: Float64Array.from(given.ints, Number) };
    default:
      return null;
  }
}

/** The dimensions after Reshape, with its 0 (copy) and -1 (infer) resolved; null where they do not multiply to the same size. */
function reshaped(dims: readonly number[], target: readonly number[]): number[] | null {
  const copied = target.map((dim, axis) => (dim === 0 ? (dims[axis] ?? 0) : dim));
  const known = product(copied.filter(dim => dim >= 0));
  const resolved = copied.map(dim => (dim < 0 ? product(dims) / known : dim));
  return product(resolved) === product(dims) ? resolved : null;
}

/** The axes a Squeeze or Unsqueeze names, as attribute (before opset 13) or input, normalized for `rank`; null where there are none. */
function axesOf(scope: Scope, node: NodeProto, rank: number, lookup: ConstantLookup): number[] | null {
  const given = node.input[1] ? lookup(scope, node.input[1])?.data : intsAttribute(node, 'axes');
  return given ? Array.from(given, axis => (axis < 0 ? axis + rank : axis)) : null;
}

function transposed({ source, dims, data }: Constant): Constant {
  const [rows, columns] = dims as [number, number];
  return { source, dims: [columns, rows], data: data.map((_, at) => data[(at % rows) * columns + Math.floor(at / rows)] as number) };
}

function throughNode(scope: Scope, node: NodeProto, lookup: ConstantLookup): Constant | null {
  const inner = node.input[0] ? lookup(scope, node.input[0]) : null;
  if (!inner) return null;
  const { dims } = inner;
  const withDims = (changed: number[] | null) => changed && { ...inner, dims: changed };
  switch (node.opType) {
    case 'Identity':
    case 'Cast':
      return inner;
    case 'Neg':
      return { ...inner, data: inner.data.map(value => -value) };
    case 'Reshape': {
      const target = (node.input[1] && lookup(scope, node.input[1])?.data) || null;
      return withDims(target && reshaped(dims, Array.from(target)));
    }
    case 'Flatten': {
      const axis = intAttribute(node, 'axis', 1);
      const at = axis < 0 ? axis + dims.length : axis;
      return withDims([product(dims.slice(0, at)), product(dims.slice(at))]);
    }
    case 'Squeeze': {
      const axes = axesOf(scope, node, dims.length, lookup);
      return withDims(dims.filter((dim, axis) => (axes ? !axes.includes(axis) : dim !== 1)));
    }
    case 'Unsqueeze': {
      const count = (node.input[1] ? lookup(scope, node.input[1])?.data.length : intsAttribute(node, 'axes')?.length) ?? 0;
      const axes = axesOf(scope, node, dims.length + count, lookup);
      if (!axes) return null;
      const rest = [...dims];
      return withDims(Array.from({ length: dims.length + count }, (_, axis) => (axes.includes(axis) ? 1 : (rest.shift() as number))));
    }
    case 'Transpose': {
      const perm = intsAttribute(node, 'perm');
      const swaps = dims.length === 2 && (!perm || (perm[0] === 1 && perm[1] === 0));
      return swaps ? transposed(inner) : null;
    }
    default:
      return null;
  }
}

/** A lookup for one model, which remembers what it has found. */
export function constantLookup(external: ExternalData): ConstantLookup {
  const known = new Map<Scope, Map<string, Constant | null>>();
  const lookup: ConstantLookup = (scope, value) => {
    let found = known.get(scope);
    if (!found) known.set(scope, (found = new Map()));
    const before = found.get(value);
    if (before !== undefined) return before;
    found.set(value, null);
    const tensor = scope.initializers.get(value);
    const node = scope.producer.get(value);
    const isInput = scope.graph.input.some(input => input.name === value);
    const result = tensor
      ? ofTensor(tensor, value, external)
      : node
        ? node.opType === 'Constant'
          ? ofConstantNode(node, external)
          : throughNode(scope, node, lookup)
        : scope.parent && !isInput
          ? lookup(scope.parent, value)
          : null;
    found.set(value, result);
    return result;
  };
  return lookup;
}
