import { type Anatomy, dissect } from '../audit/anatomy.js';
import { Failure } from '../failure.js';
import { subgraphs } from '../onnx/attributes.js';
import { float, node } from '../onnx/build.js';
import { freshNames, redirect, replaceNode } from '../onnx/edit.js';
import { copyModel, type Model, mainGraph, opsetOf } from '../onnx/model.js';
import type { NodeProto, TensorProto } from '../onnx/proto.js';
import { type Ranks, ranksOf } from '../onnx/ranks.js';
import type { Rectifier } from '../onnx/rectifiers.js';
import type { Scope } from '../onnx/scope.js';
import { dropUnread } from './drop-unread.js';
import { floatTypeOf } from './float-type.js';
import type { Repaired } from './repaired.js';
import { type Snap, snapped } from './snap.js';
import { typedTensor } from './typed-tensor.js';

export interface SlopesOptions {
  /** Numbers to snap slopes to; by default they stay as they are. */
  readonly snap?: Snap;
  /** Write slopes that are all equal as one (default false). */
  readonly share?: boolean;
}

/** What became of the slopes of one rectifier. */
export interface SlopesChange {
  readonly layer: string;
  /** As the file spelled it, and what stands there now: `PRelu`, `LeakyRelu`, `Relu`, or `nothing` for the identity. */
  readonly spelling: string;
  readonly becomes: string;
  /** Dimensions of the slopes; empty for an attribute. */
  readonly dimsBefore: readonly number[];
  readonly dims: readonly number[];
  /** Largest absolute change of a slope by snapping. */
  readonly largestChange: number;
}

/** What was done to the slopes of a model. Plain JSON data. */
export interface SlopesReport {
  readonly snap: Snap | null;
  readonly changed: readonly SlopesChange[];
  /** Largest absolute change of a slope in the model. */
  readonly largestChange: number;
  /** Rectifiers whose slopes were left, and why; those that were in order are not listed. */
  readonly left: readonly { layer: string; reason: string }[];
}

/** From this operator set on PRelu's slopes broadcast as they do today. */
const lowestOpset = 7;

/** The same slopes with no axes of 1 in front, which change nothing: `[1, C, 1, 1]` as `[C, 1, 1]`, one number as `[1]`. */
function trimmed(dims: readonly number[]): number[] {
  if (dims.every(dim => dim === 1)) return [1];
  return dims.slice(dims.findIndex(dim => dim !== 1));
}

/** Slopes of one axis over a map of channels are read along its last axis, the width: exporters that write them so mean channels. */
const readsWidth = (dims: readonly number[], axis: number | null, rank: number | undefined): boolean =>
  dims.length === 1 && (dims[0] as number) > 1 && axis !== null && axis >= 0 && rank !== undefined && axis < rank - 1;

/** Takes the nodes of a rectifier out and hands its input on in place of its output. */
function bypass({ model }: Anatomy, { scope, input, output, nodes }: Rectifier): void {
  const last = nodes[nodes.length - 1] as NodeProto;
  const isCaptured = (scope.consumers.get(output) ?? []).some(reader => subgraphs(reader).length > 0);
  if (scope.outputs.has(output) || isCaptured) {
    replaceNode(scope.graph, last, [Object.assign(node('Identity', [input], [output]), { name: last.name })]);
    dropUnread(model, scope.graph, last.input);
    return;
  }
  redirect(scope.graph, output, input);
  dropUnread(model, scope.graph, [output]);
}

/**
 * Brings the slopes of leaky and parametric ReLUs into canonical form: shapes without needless axes (`[C, 1, 1]` for NCHW, `[C]` for features, `[1]`
 * shared), spelled-out forms as PRelu or LeakyRelu, slopes all 0 as Relu, slopes all 1 as nothing; `snap` moves them to numbers that a target can hold. Without
 * snapping the outputs stay the same numbers, to rounding where a spelled-out form is replaced, while zeros may change sign (a slope of 0 times a negative number is −0, ReLU gives +0).
 * Throws a Failure for an unknown `snap`.
 *
 * @example
 * import { canonicalSlopes } from 'reluminate/heal';
 * import { floatTensor, graph, modelProto, node, valueInfo } from 'reluminate/onnx';
 * const main = graph({
 *   nodes: [node('PRelu', ['x', 'a'], ['h']), node('PRelu', ['h', 'zeros'], ['y'])],
 *   inputs: [valueInfo('x', ['N', 2, 4, 4])],
 *   outputs: [valueInfo('y')],
 *   initializers: [floatTensor('a', [1, 2, 1, 1], [0.25, 0.3]), floatTensor('zeros', [1], [0])],
 * });
 * const { model, report } = canonicalSlopes({ proto: modelProto(main), external: new Map(), name: 'm', bytes: 0 }, { snap: 'n/256' });
 * model.proto.graph.node.map(({ opType }) => opType); // => ["PRelu", "Relu"]
 * report.changed.map(({ becomes, dims }) => [becomes, dims]); // => [["PRelu", [2, 1, 1]], ["Relu", []]]
 * report.largestChange.toFixed(6); // => "0.000781"
 */
export function canonicalSlopes(original: Model, { snap, share = false }: SlopesOptions = {}): Repaired<SlopesReport> {
  if (snap !== undefined && snap !== 'power-of-two' && snap !== 'n/256')
    throw new Failure('usage', `slopes: snap must be power-of-two or n/256, got ${snap}`);
  const anatomy = dissect(copyModel(original));
  const { model, layers, lookup } = anatomy;
  const fresh = freshNames(model);
  const ranks = new Map<Scope, Ranks>();
  const rankIn = (scope: Scope): Ranks => {
    const known = ranks.get(scope) ?? ranksOf(scope, lookup);
    ranks.set(scope, known);
    return known;
  };
  const changed: SlopesChange[] = [];
  const left: { layer: string; reason: string }[] = [];

  /** The initializer that a PRelu reads its slopes from, where nothing but PRelus read it so, which all come to the same form. */
  const ownTensor = ({ scope, nodes }: Rectifier): TensorProto | null => {
    const [only] = nodes;
    const name = only?.opType === 'PRelu' ? (only.input[1] as string) : '';
    const readers = scope.consumers.get(name) ?? [];
    const isOwn = readers.every(({ opType, input }) => opType === 'PRelu' && input[0] !== name && input[1] === name);
    return isOwn && !scope.outputs.has(name) ? (scope.initializers.get(name) ?? null) : null;
  };

  for (const { rectifier, axis } of layers) {
    const { name, kind, scope, input, output, nodes, negativeSlope, spelling } = rectifier;
    const [only] = nodes;
    if (!['prelu', 'leaky-relu', 'relu'].includes(kind) || (kind === 'relu' && nodes.length === 1)) continue;
    const leave = (reason: string) => left.push({ layer: name, reason });
    if (!negativeSlope) {
      leave('its slopes are computed, not constants');
      continue;
    }
    if (negativeSlope.data.length === 0) continue;
    const isAttribute = nodes.length === 1 && only?.opType === 'LeakyRelu';
    const isPRelu = nodes.length === 1 && only?.opType === 'PRelu';
    const type = floatTypeOf(scope, input);
    if (!isAttribute && opsetOf(original) < lowestOpset) {
      leave(`the operator set must be ${lowestOpset} or later, got ${opsetOf(original)}`);
      continue;
    }
    if (!isAttribute && type === null) {
      leave('the file does not tell the float type of its input');
      continue;
    }
    if (isPRelu && readsWidth(negativeSlope.dims, axis, rankIn(scope).get(input)))
      leave(
        `its slopes of shape [${negativeSlope.dims.join(', ')}] are read along the width of the map; if channels are meant, the shape must be [${negativeSlope.dims[0]}, 1, 1]`,
      );
    const values = Array.from(negativeSlope.data, slope => (snap ? snapped(slope, snap) : slope));
    const largestChange = values.reduce(
      (largest, value, at) => Math.max(largest, Math.abs(value - (negativeSlope.data[at] as number)) || 0),
      0,
    );
    const one = values[0] as number;
    const isUniform = values.every(value => value === one);
    const dims = isUniform && share ? [1] : trimmed(negativeSlope.dims);
    const last = nodes[nodes.length - 1] as NodeProto;
    const change = (becomes: string, shape: readonly number[]) =>
      changed.push({
        layer: name,
        spelling,
        becomes,
        dimsBefore: isAttribute ? [] : negativeSlope.dims,
        dims: shape,
        largestChange,
      });
    const replace = (replacement: NodeProto) => {
      replaceNode(scope.graph, last, [Object.assign(replacement, { name: last.name })]);
      dropUnread(model, scope.graph, last.input);
    };
    if (isUniform && one === 1) {
      bypass(anatomy, rectifier);
      change('nothing', []);
    } else if (isUniform && one === 0) {
      replace(node('Relu', [input], [output]));
      change('Relu', []);
    } else if (isAttribute) {
      if (largestChange === 0) continue;
      replace(node('LeakyRelu', [input], [output], { alpha: float(one) }));
      change('LeakyRelu', []);
    } else if (!isPRelu || largestChange > 0 || dims.join() !== negativeSlope.dims.join()) {
      const tensor = ownTensor(rectifier);
      const shaped = isUniform && share ? [one] : values;
      if (tensor) {
        const { dataType } = tensor;
        Object.assign(tensor, typedTensor(dataType, tensor.name, dims, shaped));
      } else {
        const slopes = fresh(`${output}/slope`);
        mainGraph(model).initializer.push(typedTensor(type as number, slopes, dims, shaped));
        replace(node('PRelu', [input, slopes], [output]));
      }
      change('PRelu', dims);
    }
  }
  return {
    model,
    report: {
      snap: snap ?? null,
      changed,
      largestChange: changed.reduce((largest, each) => Math.max(largest, each.largestChange), 0),
      left,
    },
  };
}
