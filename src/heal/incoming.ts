import type { Anatomy, RectifiedLayer } from '../audit/anatomy.js';
import { functionOf } from '../audit/measured-rectifier.js';
import { floatAttribute } from '../onnx/attributes.js';
import type { LinearLayer } from '../onnx/layers.js';
import type { NodeProto } from '../onnx/proto.js';
import { nodeName } from '../onnx/scope.js';
import { gain } from '../theory/gain.js';
import { isOwn } from './own-tensor.js';
import { type WeightLayout, weightLayout } from './weight-layout.js';

/** What is added to a unit before its rectifier: the bias of its layer (null name: it has none yet), or an Add behind it. */
interface Offset {
  readonly node: NodeProto;
  readonly name: string | null;
  /** Its numbers where they cannot be changed, one for each unit or for all; null where they can, or are to be added. */
  readonly fixed: ArrayLike<number> | null;
  /** What the number is multiplied by: Gemm's beta. */
  readonly factor: number;
}

/** Where the incoming weights of the units of a layer lie, and what else makes their pre-activations. */
export interface Incoming {
  readonly feed: LinearLayer;
  readonly layout: WeightLayout;
  /** What the weights are multiplied by: Gemm's alpha. */
  readonly factor: number;
  readonly offsets: readonly Offset[];
  readonly batchNorm: { readonly node: NodeProto; readonly epsilon: number } | null;
  /** Gain of the rectifier: √(2/(1 + a²)) for slope a. */
  readonly gain: (unit: number) => number;
}

const described = (node: NodeProto): string => `${node.opType} '${nodeName(node)}'`;

/** Looks at what feeds a rectifier. Returns one sentence where fresh weights would change something else, or could not be set. */
export function incoming({ scope, lookup }: Anatomy, layer: RectifiedLayer): Incoming | string {
  const { rectifier, feed, slopes } = layer;
  if (rectifier.scope.parent) return `it runs inside ${rectifier.scope.path}`;
  if (!feed) return 'no single layer feeds it: a sum or computed weights do';
  if (feed.op === 'ConvTranspose') return 'a transposed convolution feeds it';
  if (feed.units !== layer.units) return 'the file does not tell its units';
  const { node, between, units } = feed;
  const within = new Set<NodeProto>([...between, ...rectifier.nodes]);
  for (const value of [node, ...between].map(each => each.output[0] as string))
    if (scope.outputs.has(value) || (scope.consumers.get(value) ?? []).some(reader => !within.has(reader)))
      return `its pre-activation '${value}' is read by more than the rectifier`;
  if (!isOwn(scope, node.input[1], node)) return `the weights of ${described(node)} are shared or computed`;

  const alpha = feed.op === 'Gemm' ? floatAttribute(node, 'alpha', 1) : 1;
  if (alpha === 0) return `${described(node)} multiplies its weights by 0`;

  const offsets: Offset[] = [];
  const offset = (owner: NodeProto, name: string | null, factor: number) => {
    const fixed = name === null || isOwn(scope, name, owner) ? null : (lookup(scope, name)?.data ?? []);
    offsets.push({ node: owner, name, fixed, factor });
  };
  let batchNorm: Incoming['batchNorm'] = null;
  offset(node, node.input[2] || null, feed.op === 'Gemm' ? floatAttribute(node, 'beta', 1) : 1);
  for (const each of between) {
    if (each.opType === 'BatchNormalization' && !batchNorm)
      batchNorm = { node: each, epsilon: floatAttribute(each, 'epsilon', 1e-5) };
    else if (each.opType === 'Add' && !batchNorm)
      offset(each, each.input.find(name => lookup(scope, name)) as string, 1);
    else if (!['Identity', 'Dropout', 'Cast'].includes(each.opType))
      return `${described(each)} stands between its layer and the rectifier`;
  }
  const isVector = ({ name, fixed, factor }: Offset) =>
    factor !== 0 && (name === null || (fixed === null && lookup(scope, name)?.data.length === units));
  if (batchNorm) {
    const { node: norm } = batchNorm;
    if (!norm.input.slice(1, 5).every(name => isOwn(scope, name, norm)))
      return `the numbers of ${described(norm)} are shared or computed`;
  } else if (!offsets.some(isVector)) return 'it has no bias of its own that could be set';
  const gains = new Map<number, number>();
  const slopeOf = (unit: number) => slopes && (slopes.values[slopes.shared ? 0 : unit] as number);
  for (let unit = 0; unit < units; unit++) {
    const known = functionOf(rectifier, slopeOf(unit));
    // A threshold far above 0 leaves nothing of a standard normal signal, so that no gain makes up for it.
    if (!known || known.moments(0, 1).secondMoment === 0)
      return `there is no gain for its rectifier ${rectifier.spelling}`;
    gains.set(unit, gain(known));
    if (!slopes || slopes.shared) break;
  }
  return {
    feed,
    layout: weightLayout(node, feed.weight.dims),
    factor: alpha,
    // The one that is set comes last.
    offsets: [...offsets].sort((a, b) => Number(isVector(a)) - Number(isVector(b))),
    batchNorm,
    gain: unit => gains.get(unit) ?? (gains.get(0) as number),
  };
}
