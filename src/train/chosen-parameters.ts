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

export interface ChoiceOptions {
  readonly groups: ParameterGroups;
  /** Names, with `*` for any characters, of parameters that are not trained. */
  readonly freeze: readonly string[];
  readonly optimizer: Optimizer;
}

/** Which names a pattern means: `*` stands for any characters. */
const matching = (pattern: string): RegExp =>
  new RegExp(`^${pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`);

/** The parameters that no pattern names. Throws a RangeError for a pattern that names none. */
function unfrozen(parameters: readonly Parameter[], patterns: readonly string[]): Parameter[] {
  const named = patterns.map(pattern => {
    const found = parameters.filter(({ name }) => matching(pattern).test(name));
    if (found.length === 0) throw new RangeError(`train: freeze must name parameters of the model, got '${pattern}'`);
    return found;
  });
  const frozen = new Set(named.flat());
  return parameters.filter(parameter => !frozen.has(parameter));
}

/** Takes tensors out of the initializers, and out of the inputs, where old models list them too. */
export function release(model: Model, names: ReadonlySet<string>): void {
  const graph = mainGraph(model);
  graph.initializer = graph.initializer.filter(({ name }) => !names.has(name));
  graph.input = graph.input.filter(({ name }) => !names.has(name));
}

/** Makes inputs of the parameters of a model, which it changes, that are trained: of what stands behind them where they are reparameterized. */
export function chooseParameters(model: Model, writer: Writer, { groups, freeze, optimizer }: ChoiceOptions): Chosen[] {
  const graph = mainGraph(model);
  const chosen = unfrozen(parametersOf(model), freeze)
    .map(parameter => ({ parameter, group: groupOf(groups, parameter.kind, optimizer.kind) }))
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
