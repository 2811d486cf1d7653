import { floatAttribute, intAttribute, intsAttribute, isStandard, tensorAttribute } from './attributes.js';
import { DataType, type NodeProto, type TensorProto } from './proto.js';
import type { Scope } from './scope.js';
import { dimsOf, type ExternalData, isFloatType, type Numbers, tensorNumbers } from './tensor.js';

/** A value that is known from the file alone. */
export interface Constant {
  /** The initializer or Constant it comes from, before reshaping. */
  readonly source: string;
  /** What the source's numbers were multiplied by; null where they became these in another way. */
  readonly factor: number | null;
  readonly dims: readonly number[];
  readonly data: Numbers;
}

/** Looks a value up as a constant: an initializer, a Constant node, or either behind Identity, Cast, Reshape, Squeeze, Unsqueeze, Flatten, Neg or Transpose of a matrix. Null for anything else. */
export type ConstantLookup = (scope: Scope, value: string) => Constant | null;

const product = (dims: readonly number[]) => dims.reduce((a, b) => a * b, 1);

function ofTensor(tensor: TensorProto, name: string, external: ExternalData): Constant | null {
  const data = tensorNumbers(tensor, external);
  return data && { source: name, factor: 1, dims: dimsOf(tensor), data };
}

function ofConstantNode(node: NodeProto, external: ExternalData): Constant | null {
  const name = node.output[0] as string;
  const tensor = tensorAttribute(node, 'value');
  if (tensor) return ofTensor(tensor, name, external);
  const given = node.attribute[0];
  switch (given?.name) {
    case 'value_float':
      return { source: name, factor: 1, dims: [], data: Float32Array.of(floatAttribute(node, 'value_float', 0)) };
    case 'value_floats':
      return { source: name, factor: 1, dims: [given.floats.length], data: Float32Array.from(given.floats) };
    case 'value_int':
      return { source: name, factor: 1, dims: [], data: Float64Array.of(intAttribute(node, 'value_int', 0)) };
    case 'value_ints':
      return { source: name, factor: 1, dims: [given.ints.length], data: Float64Array.from(given.ints, Number) };
    default:
      return null;
  }
}

/** The dimensions after Reshape, with its 0 (copy) and -1 (infer) resolved; null where they do not multiply to the same size. */
function reshaped(dims: readonly number[], target: readonly number[]): number[] | null {
  const copied = target.map((dim, axis) => (dim === 0 ? (dims[axis] ?? 0) : dim));
  const known = product(copied.filter(dim => dim !== -1));
  const resolved = copied.map(dim => (dim === -1 ? product(dims) / known : dim));
  const fits = resolved.every(dim => Number.isSafeInteger(dim) && dim >= 0) && product(resolved) === product(dims);
  return fits ? resolved : null;
}

/** The axes a Squeeze or Unsqueeze names, as attribute (before opset 13) or input; null where there are none. */
function axesOf(scope: Scope, node: NodeProto, lookup: ConstantLookup): ArrayLike<number> | null {
  return (node.input[1] ? lookup(scope, node.input[1])?.data : intsAttribute(node, 'axes')) ?? null;
}

/** Axes counted from the front; null where one lies outside the rank or is named twice. */
function normalized(axes: ArrayLike<number>, rank: number): Set<number> | null {
  const positive = new Set(Array.from(axes, axis => (axis < 0 ? axis + rank : axis)));
  return positive.size === axes.length && [...positive].every(axis => axis >= 0 && axis < rank) ? positive : null;
}

/** More axes than a tensor of any framework has: a longer list would be built for nothing. */
const mostAxes = 64;

function squeezed(scope: Scope, node: NodeProto, dims: readonly number[], lookup: ConstantLookup): number[] | null {
  const given = axesOf(scope, node, lookup);
  if (!given) return dims.filter(dim => dim !== 1);
  const axes = given.length <= mostAxes ? normalized(given, dims.length) : null;
  return axes && [...axes].every(axis => dims[axis] === 1) ? dims.filter((_, axis) => !axes.has(axis)) : null;
}

function unsqueezed(scope: Scope, node: NodeProto, dims: readonly number[], lookup: ConstantLookup): number[] | null {
  const given = axesOf(scope, node, lookup);
  if (!given || dims.length + given.length > mostAxes) return null;
  const axes = normalized(given, dims.length + given.length);
  if (!axes) return null;
  const rest = dims.values();
  return Array.from({ length: dims.length + axes.size }, (_, axis) =>
    axes.has(axis) ? 1 : (rest.next().value as number),
  );
}

function transposed({ source, factor, dims, data }: Constant): Constant {
  const [rows, columns] = dims as [number, number];
  return {
    source,
    factor,
    dims: [columns, rows],
    data: data.map((_, at) => data[(at % rows) * columns + Math.floor(at / rows)] as number),
  };
}

/** A Cast between floats is taken as exact; one to another type only where the numbers are whole, so that it changes none. */
const survivesCast = (node: NodeProto, { data }: Constant): boolean => {
  const to = intAttribute(node, 'to', DataType.UNDEFINED);
  return isFloatType(to) || (to !== DataType.BOOL && to !== DataType.STRING && data.every(Number.isInteger));
};

/** Operators through which a constant is followed. */
const passing = new Set('Identity Cast Neg Reshape Flatten Squeeze Unsqueeze Transpose'.split(' '));

function throughNode(scope: Scope, node: NodeProto, lookup: ConstantLookup): Constant | null {
  const inner = node.input[0] ? lookup(scope, node.input[0]) : null;
  if (!inner) return null;
  const { dims } = inner;
  const withDims = (changed: number[] | null) => changed && { ...inner, dims: changed };
  switch (node.opType) {
    case 'Identity':
      return inner;
    case 'Cast':
      return survivesCast(node, inner) ? inner : null;
    case 'Neg':
      return { ...inner, factor: inner.factor && -inner.factor, data: inner.data.map(value => -value) };
    case 'Reshape': {
      const target = node.input[1] ? lookup(scope, node.input[1])?.data : null;
      return withDims(target && target.length <= mostAxes ? reshaped(dims, Array.from(target)) : null);
    }
    case 'Flatten': {
      const axis = intAttribute(node, 'axis', 1);
      const at = axis < 0 ? axis + dims.length : axis;
      return withDims([product(dims.slice(0, at)), product(dims.slice(at))]);
    }
    case 'Squeeze':
      return withDims(squeezed(scope, node, dims, lookup));
    case 'Unsqueeze':
      return withDims(unsqueezed(scope, node, dims, lookup));
    default: {
      const perm = intsAttribute(node, 'perm');
      const swaps = dims.length === 2 && (!perm || (perm.length === 2 && perm[0] === 1 && perm[1] === 0));
      return swaps ? transposed(inner) : null;
    }
  }
}

/** Numbers that all Neg and Transpose of constants together may copy: a file that asks for more wants to exhaust memory. */
const mostCopied = 2 ** 27;

/**
 * A lookup for one model, which remembers what it has found.
 *
 * @example
 * import { constantLookup, floatTensor, graph, indexGraph, modelProto, node, valueInfo } from 'reluminate/onnx';
 * const main = graph({
 *   nodes: [node('Neg', ['w'], ['v']), node('Mul', ['x', 'v'], ['y'])],
 *   inputs: [valueInfo('x', [2])],
 *   initializers: [floatTensor('w', [2], [1, -2])],
 * });
 * const scope = indexGraph({ name: 'm', proto: modelProto(main), external: new Map(), bytes: 0 });
 * const lookup = constantLookup(new Map());
 * Array.from(lookup(scope, 'v').data); // => [-1, 2]
 * lookup(scope, 'v').source; // => "w"
 * lookup(scope, 'y'); // => null
 */
export function constantLookup(external: ExternalData): ConstantLookup {
  const known = new Map<Scope, Map<string, Constant | null>>();
  let copied = 0;
  /** Takes the nodes in their order, so that a chain of any length is followed without recursion. */
  const scan = (scope: Scope): Map<string, Constant | null> => {
    const found = new Map<string, Constant | null>();
    known.set(scope, found);
    if (scope.parent) {
      for (const { name } of scope.graph.input) if (!scope.initializers.has(name)) found.set(name, null);
    }
    for (const node of scope.nodes) {
      const [value] = node.output;
      if (!value || !isStandard(node) || !passing.has(node.opType) || scope.initializers.has(value)) continue;
      const copies = node.opType === 'Neg' || node.opType === 'Transpose';
      if (copies) copied += (node.input[0] && lookup(scope, node.input[0])?.data.length) || 0;
      found.set(value, copies && copied > mostCopied ? null : throughNode(scope, node, lookup));
    }
    return found;
  };
  const resolve = (scope: Scope, value: string): Constant | null => {
    const tensor = scope.initializers.get(value);
    if (tensor) return ofTensor(tensor, value, external);
    const node = scope.producer.get(value);
    if (node) return node.opType === 'Constant' && isStandard(node) ? ofConstantNode(node, external) : null;
    return scope.parent && lookup(scope.parent, value);
  };
  const lookup: ConstantLookup = (scope, value) => {
    if (!value) return null;
    const found = known.get(scope) ?? scan(scope);
    const before = found.get(value);
    if (before !== undefined) return before;
    const result = resolve(scope, value);
    found.set(value, result);
    return result;
  };
  return lookup;
}
