import { type AttributeValue, floatTensor, int32Tensor, intTensor, node } from '../onnx/build.js';
import { freshNames } from '../onnx/edit.js';
import { type Model, mainGraph } from '../onnx/model.js';
import { elements } from './rule.js';

/** Appends nodes to the main graph of a model, names their values and shares constants. */
export interface Writer {
  /** A node with one output, whose name is returned. */
  op(opType: string, inputs: readonly string[], attributes?: Readonly<Record<string, AttributeValue>>): string;
  /** A node with several outputs, whose names are returned. */
  ops(
    opType: string,
    inputs: readonly string[],
    outputs: number,
    attributes?: Readonly<Record<string, AttributeValue>>,
  ): string[];
  /** Gives a value a name that nothing has written yet. */
  alias(value: string, name: string): void;
  /** A float32 scalar. */
  scalar(value: number): string;
  /** A vector of float32. */
  floats(values: readonly number[]): string;
  /** A vector of int64. */
  ints(values: readonly number[]): string;
  /** A tensor of int32, a vector unless other dimensions are given. */
  int32s(values: readonly number[], dims?: readonly number[]): string;
  /** A float32 tensor of the given dimensions, filled with one value. */
  filled(dims: readonly number[], value: number): string;
  /** A name that no value of the model has, which begins with the writer's prefix. */
  fresh(base: string): string;
}

/** A writer for a model, which it changes. `prefix` begins the names of all values it makes. */
export function createWriter(model: Model, prefix: string): Writer {
  const graph = mainGraph(model);
  const unused = freshNames(model);
  const fresh = (base: string) => unused(`${prefix}/${base}`);
  const constants = new Map<string, string>();
  const constant = (key: string, make: (name: string) => ReturnType<typeof floatTensor>): string => {
    const known = constants.get(key);
    if (known !== undefined) return known;
    const name = fresh(key);
    graph.initializer.push(make(name));
    constants.set(key, name);
    return name;
  };
  const ops: Writer['ops'] = (opType, inputs, outputs, attributes) => {
    const names = Array.from({ length: outputs }, () => fresh(opType));
    graph.node.push(node(opType, inputs, names, attributes));
    return names;
  };
  return {
    ops,
    fresh,
    alias: (value, name) => {
      graph.node.push(node('Identity', [value], [name]));
    },
    op: (opType, inputs, attributes) => ops(opType, inputs, 1, attributes)[0] as string,
    scalar: value => constant(`scalar_${Object.is(value, -0) ? '-0' : value}`, name => floatTensor(name, [], [value])),
    floats: values => constant(`floats_${values.join('_')}`, name => floatTensor(name, [values.length], values)),
    ints: values => constant(`ints_${values.join('_')}`, name => intTensor(name, [values.length], values)),
    int32s: (values, dims = [values.length]) =>
      constant(`int32s_${[...values, ...dims.slice(1).map(dim => `x${dim}`)].join('_')}`, name =>
        int32Tensor(name, dims, values),
      ),
    filled: (dims, value) =>
      constant(`filled_${dims.join('x')}_${value}`, name =>
        floatTensor(name, dims, new Float32Array(elements(dims)).fill(value)),
      ),
  };
}
