import { Failure } from '../failure.js';
import { intAttribute, isStandard } from '../onnx/attributes.js';
import { constantLookup } from '../onnx/constants.js';
import { copyModel, inputSpecs, type Model, mainGraph } from '../onnx/model.js';
import type { NodeProto } from '../onnx/proto.js';
import { raiseOpset } from '../onnx/raise-opset.js';
import type { SessionOptions } from '../onnx/runtime.js';
import { indexGraph, nodeName, readsOf, type Scope } from '../onnx/scope.js';
import { fixedDims, shapesOf } from '../onnx/shapes.js';
import { isFloatType } from '../onnx/tensor.js';
import { fixedNumbers } from './fixed-numbers.js';
import { operatorName, pathThrough } from './gradient-path.js';
import { elements, type RuleContext } from './rule.js';
import { contextFor } from './rule-context.js';
import { rules, stops } from './rules/index.js';
import { createWriter } from './writer.js';

export interface DifferentiateOptions extends SessionOptions {
  /** The value to differentiate: one number. */
  readonly loss: string;
  /** Initializers, inputs and other values whose gradients are wanted. */
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

/** The opset of the nodes that rules write; models of lower ones are raised to it. */
const opset = 17;

/** Whether a node's results have no derivative with respect to its inputs. */
const stopsGradient = (node: NodeProto): boolean =>
  isStandard(node) && (stops.has(node.opType) || (node.opType === 'Cast' && !isFloatType(intAttribute(node, 'to', 0))));

/** Values that change smoothly with one of `wrt`. */
function dependents({ nodes }: Scope, wrt: readonly string[]): Set<string> {
  const found = new Set(wrt);
  for (const node of nodes)
    if (!stopsGradient(node) && readsOf(node).some(input => found.has(input)))
      for (const output of node.output) if (output) found.add(output);
  return found;
}

/** Values that the loss depends on. */
function ancestors({ nodes }: Scope, loss: string): Set<string> {
  const found = new Set([loss]);
  for (const node of [...nodes].reverse())
    if (node.output.some(output => found.has(output))) for (const input of readsOf(node)) found.add(input);
  return found;
}

const usage = (must: string, got: string) => new Failure('usage', `differentiate: ${must}, got ${got}`);

function requireKnown({ graph, producer, initializers }: Scope, loss: string, wrt: readonly string[]): void {
  const isKnown = (name: string) =>
    producer.has(name) || initializers.has(name) || graph.input.some(input => input.name === name);
  if (!isKnown(loss)) throw usage('loss must be a value of the graph', `'${loss}'`);
  const unknown = wrt.find(name => !isKnown(name));
  if (unknown !== undefined)
    throw usage('wrt must name initializers, inputs or other values of the graph', `'${unknown}'`);
}

/** Axes, bounds, pads, scales: rules ask for no more numbers than these. */
const mostNumbers = 64;

/** Looks up the numbers of a value that are the same whatever is fed; null for others. */
async function smallNumbers(
  model: Model,
  scope: Scope,
  dims: Readonly<Record<string, readonly number[]>>,
  shapes: ReadonlyMap<string, readonly number[]>,
  needed: ReadonlySet<string>,
  session: SessionOptions,
): Promise<(name: string) => readonly number[] | null> {
  const lookup = constantLookup(model.external);
  const isComputed = (name: string, sizes: readonly number[]) =>
    !needed.has(name) && elements(sizes) <= mostNumbers && lookup(scope, name) === null;
  const computed = [...shapes].flatMap(([name, sizes]) => (isComputed(name, sizes) ? [name] : []));
  const fixed = await fixedNumbers(model, dims, computed, session);
  return name => {
    const found = lookup(scope, name);
    return found ? Array.from(found.data) : (fixed.get(name) ?? null);
  };
}

/** The gradients of a node's inputs. Throws a Failure that names the operator, and the path from a parameter to the loss on which it lies. */
function applyRule(context: RuleContext, upstream: readonly (string | null)[], path: () => string): (string | null)[] {
  const { node } = context;
  const found = isStandard(node) ? rules.get(node.opType) : undefined;
  if (!found) {
    throw new Failure(
      'input',
      `differentiate: every operator between the parameters and the loss must have a rule, got ${operatorName(node)} on the path ${path()}`,
    );
  }
  try {
    return found(context, upstream);
  } catch (cause) {
    if (!(cause instanceof Failure)) throw cause;
    const message = `differentiate: node '${nodeName(node)}' (${node.opType}): ${cause.message}, on the path ${path()}`;
    throw new Failure('input', message, { cause });
  }
}

/**
 * Reverse-mode differentiation of an ONNX graph (Linnainmaa 1970; Griewank & Walther 2008, "Evaluating derivatives"): a copy of the model
 * with nodes that compute the gradient of `loss` with respect to each of `wrt`, all standard operators. Models of opsets 7 to 16 are raised
 * to 17 first. Dimensions are those ONNX Runtime finds for the given inputs, and are built in. Throws a Failure that names the operator and
 * the path to it for operators without a rule.
 *
 * @example
 * import { graph, mainGraph, modelProto, node, openSession, valueInfo } from 'reluminate/onnx';
 * import { differentiate } from 'reluminate/train';
 * const main = graph({
 *   nodes: [node('Mul', ['x', 'x'], ['square']), node('ReduceSum', ['square'], ['loss'], { keepdims: 0 })],
 *   inputs: [valueInfo('x', [2])],
 * });
 * const given = { name: 'squares', proto: modelProto(main), external: new Map(), bytes: 0 };
 * const { model, gradients } = await differentiate(given, { loss: 'loss', wrt: ['x'] });
 * mainGraph(model).output = [valueInfo(gradients.get('x'))];
 * const session = await openSession(model);
 * const found = await session.run({ x: { type: 'float32', dims: [2], data: Float32Array.of(3, -1) } });
 * await session.close();
 * Array.from(found[gradients.get('x')].data); // => [6, -2]
 */
export async function differentiate(
  original: Model,
  { loss, wrt, dims, ...session }: DifferentiateOptions,
): Promise<Differentiated> {
  requireKnown(indexGraph(original), loss, wrt);
  const model = copyModel(raiseOpset(original, opset));
  const scope = indexGraph(model);
  const needed = dependents(scope, wrt);
  const used = ancestors(scope, loss);
  const onPath = scope.nodes.filter(node => node.output.some(output => used.has(output) && needed.has(output)));
  const values = new Set([loss, ...onPath.flatMap(node => [...node.input, ...node.output])]);
  values.delete('');
  const inputDims = dims ?? fixedDims(inputSpecs(model));
  if (inputDims === null)
    throw usage('dims must give every input its dimensions where the model leaves some free', 'none');
  const empty = Object.entries(inputDims).find(([, each]) => each.includes(0));
  if (empty) throw usage('inputs must have dimensions from 1', `[${empty[1].join(', ')}] for '${empty[0]}'`);
  const shapes = await shapesOf(model, inputDims, [...values], session);
  const lossDims = shapes.get(loss) as number[];
  if (lossDims.some(dim => dim !== 1))
    throw usage('loss must be one number', `'${loss}' with dimensions [${lossDims.join(', ')}]`);
  const numbers = await smallNumbers(model, scope, inputDims, shapes, needed, session);
  const writer = createWriter(model, 'gradient');
  const gradients = new Map<string, string>();
  const summands = new Map<string, string>();
  const add = (value: string, gradient: string) => {
    const before = gradients.get(value);
    gradients.set(value, before === undefined ? gradient : writer.op('Add', [before, gradient]));
  };
  if (needed.has(loss)) gradients.set(loss, writer.op('Identity', [writer.filled(lossDims, 1)]));
  for (const node of [...onPath].reverse()) {
    const upstream = node.output.map(output => gradients.get(output) ?? null);
    if (upstream.every(gradient => gradient === null)) continue;
    const inputs = [...node.input];
    const context = contextFor(node, writer, shapes, numbers, needed, summands);
    const results = applyRule(context, upstream, () => pathThrough(scope, node, { wrt, loss, needed, used }));
    for (const [index, input] of inputs.entries()) {
      const gradient = results[index];
      if (gradient != null && needed.has(input)) add(input, gradient);
    }
  }
  const graph = mainGraph(model);
  graph.valueInfo = [];
  graph.node = [...indexGraph(model).nodes];
  return { model, gradients: new Map(wrt.map(name => [name, gradients.get(name) ?? null])) };
}
