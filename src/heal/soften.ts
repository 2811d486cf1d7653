import { clone } from '@bufbuild/protobuf';
import { type Anatomy, dissect, type RectifiedLayer } from '../audit/anatomy.js';
import { Failure } from '../failure.js';
import { float, node } from '../onnx/build.js';
import type { Knowledge } from '../onnx/channels.js';
import { freshNames, replaceNode } from '../onnx/edit.js';
import { copyModel, type Model, mainGraph, opsetOf } from '../onnx/model.js';
import { type DataType, type NodeProto, NodeProtoSchema } from '../onnx/proto.js';
import { ranksOf } from '../onnx/ranks.js';
import { nodeName } from '../onnx/scope.js';
import { tailoredSlope } from '../theory/tailored-slope.js';
import { plural } from '../words.js';
import { dropUnread } from './drop-unread.js';
import { floatTypeOf } from './float-type.js';
import { rectifiedDepth } from './rectified-depth.js';
import type { Repaired } from './repaired.js';
import { typedTensor } from './typed-tensor.js';

export interface SoftenOptions {
  /** What the rectifiers become: `leaky` (LeakyRelu, the slope an attribute) or `prelu` (PRelu, the slope a tensor that training can change). */
  readonly to: 'leaky' | 'prelu';
  /** The slope of all units, or `tailored`: the slope that theory gives for a plain network of the depth. Default 0.01 for `leaky`, 0 for `prelu`. */
  readonly negativeSlope?: number | 'tailored';
  /** Rectified layers that a tailored slope is for, a whole number from 1 up; by default the most that stand one behind the other, where the network is plain. */
  readonly depth?: number;
  /** For `prelu`: one slope for each unit (default true) or one for the layer. */
  readonly perChannel?: boolean;
  /** Names of the rectifiers to soften, as the audit gives them; all ReLUs by default. */
  readonly layers?: readonly string[];
}

/** What softening did. Plain JSON data. */
export interface SoftenReport {
  readonly to: 'leaky' | 'prelu';
  /** The slope that was set; null where no tailored one exists. */
  readonly negativeSlope: number | null;
  /** Rectified layers that the slope is tailored to; null for a given slope. */
  readonly depth: number | null;
  readonly softened: readonly { layer: string; spelling: string; becomes: string; slopes: number }[];
  readonly left: readonly { layer: string; reason: string }[];
}

const softKinds = ['relu', 'relu6', 'clipped-relu'];
/** From this operator set on PRelu and Min broadcast as they do today. */
const lowestOpset = 8;

/** A slope for a depth, or why there is none. */
interface Tailored {
  readonly depth: number;
  readonly slope: number | null;
  readonly reason: string;
}

/** The slope tailored to a plain network, of the given depth or of the model's own. */
function tailored(anatomy: Anatomy, given: number | undefined): Tailored {
  const { depth: own, meeting } = rectifiedDepth(anatomy);
  const depth = given ?? own;
  if (given === undefined && meeting)
    return {
      depth,
      slope: null,
      reason: `ways through different numbers of rectifiers meet at ${meeting.opType} '${nodeName(meeting)}', so that no depth of a plain network stands for it: give one, or the slope for a residual network`,
    };
  const slope = depth === 0 ? null : tailoredSlope({ depth });
  return {
    depth,
    slope: slope?.negativeSlope ?? null,
    reason: `there is no tailored slope for ${plural(depth, 'rectified layer')}: even ReLU keeps the correlations of a network that shallow below 0.9`,
  };
}

/** The shape of one slope for each unit as PRelu broadcasts it: `[C, 1, 1]` for NCHW, `[C]` where the units lie on the last axis; null where the file does not tell. */
function channelDims(
  { rectifier, units, axis, feed }: RectifiedLayer,
  rankOf: (value: string) => number | null,
  knowledge: Knowledge | undefined,
): number[] | null {
  if (units === null || axis === null) return null;
  const known = typeof knowledge === 'object' ? knowledge.rank : null;
  const ofFeed = feed && feed.op !== 'MatMul' ? (feed.op === 'Gemm' ? 2 : feed.weight.dims.length) : null;
  const rank = rankOf(rectifier.input) ?? known ?? ofFeed;
  const behind = axis < 0 ? -axis - 1 : rank === null ? null : rank - 1 - axis;
  return behind === null || behind < 0 ? null : [units, ...new Array<number>(behind).fill(1)];
}

/** The nodes that take a rectifier's place, the last of which writes its output, and what they are in words. */
interface Replacement {
  readonly nodes: readonly NodeProto[];
  readonly becomes: string;
}

type Named = (base: string) => string;

/**
 * Slope 0 as relu(x) − a relu(−x), which is relu(x) to the bit for every finite x: ONNX Runtime's PRelu makes −0 of a negative number where Relu makes +0,
 * and its Relu leaves −0 as it is, which max(x, 0) + a min(x, 0) does not. A single node that makes the positive part stays.
 */
function appendedSlope({ rectifier }: RectifiedLayer, slope: string, output: string, named: Named): Replacement {
  const { input, nodes, kind } = rectifier;
  const [only] = nodes;
  const keeps = kind === 'relu' && nodes.length === 1;
  const [positive, negated, negative, scaled] = [
    named('positive'),
    named('negated'),
    named('negative'),
    named('scaled'),
  ];
  const part = keeps ? clone(NodeProtoSchema, only as NodeProto) : node('Relu', [input], [positive]);
  Object.assign(part, { output: [positive], name: positive });
  return {
    nodes: [
      part,
      node('Neg', [input], [negated]),
      node('Relu', [negated], [negative]),
      node('Mul', [slope, negative], [scaled]),
      node('Sub', [positive, scaled], [output]),
    ],
    becomes: `${keeps ? rectifier.spelling : 'Relu'}(x) − a·Relu(−x)`,
  };
}

/**
 * Turns ReLUs, however they are spelled, into leaky or parametric ReLUs of the given slope; ReLU6 and other clipped ones keep their ceiling as a Min
 * behind. `prelu` of slope 0 is spelled relu(x) − a·relu(−x): on finite pre-activations the outputs stay the same to the bit (0·∞ is NaN), and yet the slope has a
 * gradient. Other slopes change the function; `verify` says by how much. Throws a Failure for a slope that is not a finite number, a depth that is no whole number from
 * 1 to 100,000, and layers that the model does not have.
 *
 * @example
 * import { soften } from 'reluminate/heal';
 * import { floatTensor, graph, modelProto, node, valueInfo } from 'reluminate/onnx';
 * const main = graph({
 *   nodes: [node('Conv', ['x', 'w'], ['z']), node('Relu', ['z'], ['y'])],
 *   inputs: [valueInfo('x', ['N', 1, 4, 4])],
 *   outputs: [valueInfo('y')],
 *   initializers: [floatTensor('w', [2, 1, 1, 1], [1, -1])],
 * });
 * const { model, report } = soften(
 *   { proto: modelProto(main), external: new Map(), name: 'm', bytes: 0 },
 *   { to: 'prelu', negativeSlope: 0.25 },
 * );
 * model.proto.graph.node[1].opType; // => "PRelu"
 * model.proto.graph.initializer[1].dims.map(Number); // => [2, 1, 1]
 * report.softened; // => [{ layer: "y", spelling: "Relu", becomes: "PRelu", slopes: 2 }]
 */
export function soften(original: Model, options: SoftenOptions): Repaired<SoftenReport> {
  const { to, perChannel = true, negativeSlope = to === 'leaky' ? 0.01 : 0 } = options;
  if (negativeSlope !== 'tailored' && !Number.isFinite(Math.fround(negativeSlope)))
    throw new Failure('usage', `soften: negativeSlope must be a finite float32 number, got ${negativeSlope}`);
  const { depth } = options;
  if (depth !== undefined && !(Number.isSafeInteger(depth) && depth >= 1 && depth <= 100_000))
    throw new Failure('usage', `soften: depth must be a whole number from 1 to 100,000, got ${depth}`);
  const anatomy = dissect(copyModel(original));
  const { model, layers, lookup, known } = anatomy;
  const names = new Set(layers.map(({ rectifier }) => rectifier.name));
  const unknown = options.layers?.find(name => !names.has(name));
  if (unknown !== undefined)
    throw new Failure('usage', `soften: layers must name rectifiers of the model, got '${unknown}'`);

  const forDepth = negativeSlope === 'tailored' ? tailored(anatomy, depth) : null;
  const slope = negativeSlope === 'tailored' ? (forDepth?.slope ?? null) : negativeSlope;
  const fresh = freshNames(model);
  const makeTensor = (base: string, type: DataType, dims: readonly number[], value: number): string => {
    const name = fresh(base);
    const count = dims.reduce((a, b) => a * b, 1);
    mainGraph(model).initializer.push(typedTensor(type, name, dims, new Float64Array(count).fill(value)));
    return name;
  };
  const softened: { layer: string; spelling: string; becomes: string; slopes: number }[] = [];
  const left: { layer: string; reason: string }[] = [];
  const ranks = new Map<object, (value: string) => number | null>();

  /** Why a layer stays as it is, null where it can be softened. */
  const obstacle = ({ rectifier }: RectifiedLayer, type: DataType | null): string | null => {
    if (slope === null) return (forDepth as Tailored).reason;
    if (!softKinds.includes(rectifier.kind)) return `it is no ReLU but ${rectifier.spelling}`;
    if (opsetOf(original) < lowestOpset)
      return `the operator set must be ${lowestOpset} or later, got ${opsetOf(original)}`;
    if (to === 'leaky' && slope === 0)
      return 'a LeakyRelu of slope 0 is a ReLU, and training cannot change an attribute';
    return type === null ? 'the file does not tell the float type of its input' : null;
  };

  for (const layer of layers) {
    const { rectifier } = layer;
    if (options.layers && !options.layers.includes(rectifier.name)) continue;
    const { scope, input, output, nodes, spelling, ceiling, name } = rectifier;
    const type = floatTypeOf(scope, input);
    const rankOf =
      ranks.get(scope) ??
      (
        known => (value: string) =>
          known.get(value) ?? null
      )(ranksOf(scope, lookup));
    ranks.set(scope, rankOf);
    const dims = to === 'leaky' || !perChannel ? [1] : channelDims(layer, rankOf, known.get(input));
    const reason =
      obstacle(layer, type) ?? (dims ? null : 'the file does not tell its channels; one slope for the layer would do');
    if (reason !== null || !dims || slope === null || type === null) {
      left.push({ layer: name, reason: reason as string });
      continue;
    }
    const named: Named = base => fresh(`${output}/${base}`);
    const isClipped = Number.isFinite(ceiling);
    const inner = isClipped ? named('unclipped') : output;
    const slopes = () => makeTensor(`${output}/slope`, type, dims, slope);
    const { nodes: body, becomes }: Replacement =
      to === 'leaky'
        ? { nodes: [node('LeakyRelu', [input], [inner], { alpha: float(slope) })], becomes: 'LeakyRelu' }
        : slope === 0
          ? appendedSlope(layer, slopes(), inner, named)
          : { nodes: [node('PRelu', [input, slopes()], [inner])], becomes: 'PRelu' };
    const clip = isClipped ? [node('Min', [inner, makeTensor(`${output}/ceiling`, type, [], ceiling)], [output])] : [];
    const last = nodes[nodes.length - 1] as NodeProto;
    // The audit names a rectifier after its last node; a ceiling behind it gets a name of its own.
    (body[body.length - 1] as NodeProto).name = last.name || output;
    for (const each of clip) each.name = named('clip');
    replaceNode(scope.graph, last, [...body, ...clip]);
    dropUnread(model, scope.graph, last.input);
    softened.push({
      layer: name,
      spelling,
      becomes: isClipped ? `Min(${becomes}, ${Number(ceiling.toPrecision(6))})` : becomes,
      slopes: dims.reduce((a, b) => a * b, 1),
    });
  }
  return { model, report: { to, negativeSlope: slope, depth: forDepth?.depth ?? null, softened, left } };
}
