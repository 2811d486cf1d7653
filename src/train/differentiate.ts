import { Failure } from '../failure.js';
import { isStandard } from '../onnx/attributes.js';
import { constantLookup } from '../onnx/constants.js';
import { copyModel, inputSpecs, type Model, mainGraph } from '../onnx/model.js';
import type { NodeProto } from '../onnx/proto.js';
import type { SessionOptions } from '../onnx/runtime.js';
import { indexGraph, nodeName, type Scope } from '../onnx/scope.js';
import { fixedDims, shapesOf } from '../onnx/shapes.js';
import type { RuleContext } from './rule.js';
import { rules } from './rules/index.js';
import { createWriter } from './writer.js';

export interface DifferentiateOptions extends SessionOptions {
  /** The value to differentiate: one number. */
  readonly loss: string;
  /** Initializers and inputs whose gradients are wanted. */
  readonly wrt: readonly string[];
  /** Dimensions of the inputs, where the model leaves some free. */
  readonly dims?: Readonly<Record<string, readonly number[]>>;
}

/** A model with the nodes of its gradients, and what they are called. */
export interface Differentiated {
  readonly model: Model;
  /** The value that holds the gradient of each of `wrt`; null for those that the loss does not depend on. */
  readonly gradients: ReadonlyMap<string, string | null>;
}

/** Values that depend on one of `wrt`. */
function dependents({ nodes }: Scope, wrt: readonly string[]): Set<string> {
  const found = new Set(wrt);
  for (const node of nodes)
    if (node.input.some(input => found.has(input))) for (const output of node.output) if (output) found.add(output);
  return found;
}

/** Values that the loss depends on. */
function ancestors({ nodes }: Scope, loss: string): Set<string> {
  const found = new Set([loss]);
  for (const node of [...nodes].reverse())
    if (node.output.some(output => found.has(output))) for (const input of node.input) if (input) found.add(input);
  return found;
}

/** The rule of a node. Throws a Failure that names the operator, the node and the parameter that makes its gradient necessary. */
function ruleFor(node: NodeProto) {
  const found = isStandard(node) ? rules.get(node.opType) : undefined;
  if (!found)
    throw new Failure(
      'input',
      `differentiate: every operator between the parameters and the loss must have a rule, got ${isStandard(node) ? '' : `${node.domain}.`}${node.opType} (node '${nodeName(node)}')`,
    );
  return found;
}

/**
 * Reverse-mode differentiation of an ONNX graph (Linnainmaa 1970; Griewank & Walther 2008, "Evaluating derivatives"): a copy of the model
 * with nodes that compute the gradient of `loss` with respect to each of `wrt`, all standard operators. Dimensions are those ONNX Runtime finds
 * for the given inputs, and are built in. Throws a Failure that names the node for operators without a rule.
 */
export async function differentiate(
  original: Model,
  { loss, wrt, dims, ...session }: DifferentiateOptions,
): Promise<Differentiated> {
  const model = copyModel(original);
  const scope = indexGraph(model);
  const needed = dependents(scope, wrt);
  const used = ancestors(scope, loss);
  const onPath = scope.nodes.filter(node => node.output.some(output => used.has(output) && needed.has(output)));
  const values = [...new Set(onPath.flatMap(node => [...node.input, ...node.output]).filter(name => name !== ''))];
  const inputDims = dims ?? fixedDims(inputSpecs(model));
  if (inputDims === null)
    throw new Failure(
      'usage',
      'differentiate: dims must give every input its dimensions where the model leaves some free, got none',
    );
  const shapes = await shapesOf(model, inputDims, values, session);
  const size = shapes.get(loss)?.reduce((a, b) => a * b, 1);
  if (size !== undefined && size !== 1)
    throw new Failure(
      'usage',
      `differentiate: loss must be one number, got '${loss}' with dimensions [${shapes.get(loss)}]`,
    );
  const writer = createWriter(model, 'gradient');
  const lookup = constantLookup(model.external);
  const gradients = new Map<string, string>();
  const add = (value: string, gradient: string) => {
    const before = gradients.get(value);
    gradients.set(value, before === undefined ? gradient : writer.op('Add', [before, gradient]));
  };
  if (needed.has(loss)) gradients.set(loss, writer.filled(shapes.get(loss) as number[], 1));
  for (const node of [...onPath].reverse()) {
    const upstream = node.output.map(output => gradients.get(output) ?? null);
    if (upstream.every(gradient => gradient === null)) continue;
    const context: RuleContext = {
      ...writer,
      node,
      dims: value => shapes.get(value) as number[],
      constant: index => {
        const name = node.input[index];
        const found = name ? lookup(scope, name) : null;
        return found && Array.from(found.data);
      },
      wants: index => needed.has(node.input[index] ?? ''),
    };
    const results = ruleFor(node)(context, upstream);
    node.input.forEach((input, index) => {
      const gradient = results[index];
      if (gradient != null && needed.has(input)) add(input, gradient);
    });
  }
  mainGraph(model).valueInfo = [];
  return { model, gradients: new Map(wrt.map(name => [name, gradients.get(name) ?? null])) };
}
