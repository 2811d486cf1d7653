import { valueInfo } from '../onnx/build.js';
import { redirect } from '../onnx/edit.js';
import { type Model, mainGraph } from '../onnx/model.js';
import type { Optimizer } from './optimizer.js';
import { type CheckedGroup, groupOf, type ParameterGroups } from './parameter-group.js';
import { type Parameter, parametersOf } from './parameters.js';
import { isReparameterized, parameterNode } from './slope-parameter.js';
import type { Writer } from './writer.js';

/** A parameter to be trained: its group, and the name of what is learned in its place. */
export interface Chosen {
  readonly parameter: Parameter;
  readonly group: CheckedGroup;
  readonly learned: string;
}

/** Takes tensors out of the initializers, and out of the inputs, where old models list them too. */
export function release(model: Model, names: ReadonlySet<string>): void {
  const graph = mainGraph(model);
  graph.initializer = graph.initializer.filter(({ name }) => !names.has(name));
  graph.input = graph.input.filter(({ name }) => !names.has(name));
}

/** Makes inputs of the parameters of a model, which it changes, that are trained: of what stands behind them where they are reparameterized. */
export function chooseParameters(
  model: Model,
  writer: Writer,
  groups: ParameterGroups,
  optimizer: Optimizer['kind'],
): Chosen[] {
  const graph = mainGraph(model);
  const chosen = parametersOf(model)
    .map(parameter => ({ parameter, group: groupOf(groups, parameter.kind, optimizer) }))
    .filter(({ group }) => group.train);
  release(model, new Set(chosen.map(({ parameter }) => parameter.name)));
  return chosen.map(({ parameter, group }) => {
    const { name, dims } = parameter;
    const isBehind = isReparameterized(group.constraint);
    const learned = isBehind ? writer.fresh(`${name}/parameter`) : name;
    graph.input.push(valueInfo(learned, dims));
    if (isBehind) {
      const before = graph.node.length;
      const value = parameterNode(writer, learned, parameter, group.constraint);
      const added = graph.node.splice(before);
      redirect(graph, name, value);
      graph.node.unshift(...added);
    }
    return { parameter, group, learned };
  });
}
