import { floatAttribute, isStandard } from './attributes.js';
import type { Constant, ConstantLookup } from './constants.js';
import type { NodeProto } from './proto.js';
import { nodeName, readsOf, type Scope } from './scope.js';

/** What a rectifier computes, however the file spells it. */
export type RectifierKind =
  | 'relu'
  | 'relu6'
  | 'clipped-relu'
  | 'leaky-relu'
  | 'prelu'
  | 'thresholded-relu'
  | 'elu'
  | 'selu'
  | 'celu';

/** One rectifier found in a graph. */
export interface Rectifier {
  readonly name: string;
  readonly kind: RectifierKind;
  /** How the file spells it, for example `Clip(0, 6)`. */
  readonly spelling: string;
  readonly scope: Scope;
  /** The value that is rectified: the pre-activation. */
  readonly input: string;
  readonly output: string;
  /** The nodes that make it up; the last one writes the output. */
  readonly nodes: readonly NodeProto[];
  /**
   * Slopes on the negative side as the file holds them (one, or broadcastable against the input); null for kinds whose
   * negative side is not a line through 0 (elu, selu, celu).
   */
  readonly negativeSlope: Constant | null;
  /** The unit fires where its pre-activation is above this (0 but for ThresholdedRelu). */
  readonly threshold: number;
  /** Above this the output is flat again (infinite but for ReLU6 and other clipped kinds). */
  readonly ceiling: number;
}

/** A match before it is named: what was recognized and which nodes it takes. */
type Match = Pick<Rectifier, 'kind' | 'spelling' | 'input' | 'nodes' | 'negativeSlope'> & {
  threshold?: number;
  ceiling?: number;
};

interface Context {
  readonly scope: Scope;
  readonly lookup: ConstantLookup;
}

const constant = (value: number): Constant => ({ source: '', factor: null, dims: [], data: Float64Array.of(value) });
const zero = constant(0);
const slopeKind = (slope: Constant): RectifierKind =>
  slope.data.length > 1 ? 'prelu' : slope.data[0] === 0 ? 'relu' : 'leaky-relu';

/** The number a constant holds when all its elements are equal, else null. */
function uniform({ lookup, scope }: Context, value: string | undefined): number | null {
  const data = value ? lookup(scope, value)?.data : undefined;
  return data && data.length > 0 && data.every(item => item === data[0]) ? (data[0] as number) : null;
}

const producer = ({ scope }: Context, value: string, ...ops: string[]): NodeProto | null => {
  const node = scope.producer.get(value);
  return node && isStandard(node) && ops.includes(node.opType) ? node : null;
};

/** Both orders of the inputs of a commutative node with two of them; Max and Min may have more, and are then something else. */
const orders = ({ input: [a, b, ...more] }: NodeProto): [string, string][] =>
  a !== undefined && b !== undefined && more.length === 0
    ? [
        [a, b],
        [b, a],
      ]
    : [];

/** The bounds of a Clip, as attributes (before opset 11) or inputs; null for one that is computed. */
function clipBounds(context: Context, node: NodeProto): { min: number; max: number } | null {
  const bound = (name: 'min' | 'max', input: string | undefined, open: number) =>
    input ? uniform(context, input) : floatAttribute(node, name, open);
  const min = bound('min', node.input[1], -Infinity);
  const max = bound('max', node.input[2], Infinity);
  return min === null || max === null ? null : { min, max };
}

/** float32's largest number and beyond: exporters write it for "no bound". */
const unbounded = (max: number) => max >= 3.4e38;

/** `x` where the value is max(x, 0), with the node that computes it. */
function positivePart(context: Context, value: string): { x: string; nodes: NodeProto[] } | null {
  const relu = producer(context, value, 'Relu');
  if (relu) return { x: relu.input[0] as string, nodes: [relu] };
  const max = producer(context, value, 'Max');
  if (max) {
    for (const [x, other] of orders(max)) if (uniform(context, other) === 0) return { x, nodes: [max] };
  }
  const clip = producer(context, value, 'Clip');
  const bounds = clip && clipBounds(context, clip);
  return clip && bounds?.min === 0 && unbounded(bounds.max) ? { x: clip.input[0] as string, nodes: [clip] } : null;
}

/** Multiplies two constants of which at least one is a single number; null where neither is. */
function times(a: Constant, b: Constant): Constant | null {
  const [one, many] = a.data.length === 1 ? [a, b] : [b, a];
  if (one.data.length !== 1) return null;
  const [from, by] = many.source ? [many, one] : [one, many];
  return {
    source: from.source,
    factor: from.factor && from.factor * (by.data[0] as number),
    dims: many.dims,
    data: Float64Array.from(many.data, item => item * (one.data[0] as number)),
  };
}

/** Exporters multiply by one or two constants; following endless products from each of their nodes would take quadratic time. */
const mostFactors = 8;

/** A value as constant factors times `until`, or else times something that is not a product with a constant (or behind eight of them). */
function factors(
  context: Context,
  value: string,
  until?: string,
): { factor: Constant; rest: string; nodes: NodeProto[] } | null {
  let factor = constant(1);
  let rest = value;
  const nodes: NodeProto[] = [];
  while (nodes.length < mostFactors) {
    const node: NodeProto | null = rest === until ? null : producer(context, rest, 'Mul', 'Div', 'Neg');
    if (!node) return { factor, rest, nodes };
    if (node.opType === 'Neg') {
      factor = times(factor, constant(-1)) as Constant;
      rest = node.input[0] as string;
    } else {
      const split = node.opType === 'Mul' ? orders(node) : orders(node).slice(0, 1);
      const found = split.flatMap(([other, by]) => {
        const known = context.lookup(context.scope, by);
        return known ? [{ other, known }] : [];
      })[0];
      if (!found) return { factor, rest, nodes };
      const by =
        node.opType === 'Div'
          ? { ...found.known, factor: null, data: found.known.data.map(item => 1 / item) }
          : found.known;
      const next = times(factor, by);
      if (!next) return null;
      factor = next;
      rest = found.other;
    }
    nodes.push(node);
  }
  return { factor, rest, nodes };
}

/** The slope with which the value is `slope * min(0, x)`, in any of its spellings; null where it is something else. */
function negativePart(
  context: Context,
  value: string,
  x: string,
): { slope: Constant; nodes: NodeProto[]; text: string } | null {
  const product = factors(context, value);
  if (!product) return null;
  const { factor, rest, nodes } = product;
  const found = (scale: number, inner: NodeProto[], text: string) => ({
    slope: times(factor, constant(scale)) as Constant,
    nodes: [...inner, ...nodes],
    text,
  });
  const min = producer(context, rest, 'Min');
  if (min && orders(min).some(([a, b]) => a === x && uniform(context, b) === 0)) return found(1, [min], 'a*Min(0, x)');
  const sub = producer(context, rest, 'Sub');
  if (sub && sub.input[0] === x) {
    const other = sub.input[1] as string;
    const abs = producer(context, other, 'Abs');
    if (abs && abs.input[0] === x) return found(2, [abs, sub], 'c*(x - |x|)');
    const relu = positivePart(context, other);
    if (relu?.x === x) return found(1, [...relu.nodes, sub], 'a*(x - Relu(x))');
  }
  const relu = positivePart(context, rest);
  const negated = relu && producer(context, relu.x, 'Neg', 'Mul');
  const minus = negated && factors(context, relu.x, x);
  if (relu && minus && minus.rest === x && minus.factor.data.length === 1 && minus.factor.data[0] === -1)
    return found(-1, [...minus.nodes, ...relu.nodes], 'a*Relu(-x)');
  return null;
}

const negate = (slope: Constant): Constant => times(slope, constant(-1)) as Constant;

/** max(x, 0) plus or minus a multiple of the negative part: PReLU as Keras, Paddle and MXNet spell it. */
function sumOfParts(context: Context, node: NodeProto): Match | null {
  if (node.opType !== 'Add' && node.opType !== 'Sub') return null;
  const pairs = node.opType === 'Add' ? orders(node) : orders(node).slice(0, 1);
  for (const [first, second] of pairs) {
    const positive = positivePart(context, first);
    const negative = positive && negativePart(context, second, positive.x);
    if (!positive || !negative) continue;
    const slope = node.opType === 'Add' ? negative.slope : negate(negative.slope);
    return {
      kind: slopeKind(slope),
      spelling: `Relu(x) ${node.opType === 'Add' ? '+' : '−'} ${negative.text}`,
      input: positive.x,
      nodes: [...positive.nodes, ...negative.nodes, node],
      negativeSlope: slope,
    };
  }
  return null;
}

/** p*x + q*|x| with p + q = 1, the even-odd form: slope p - q. */
function evenOdd(context: Context, node: NodeProto): Match | null {
  if (node.opType !== 'Add') return null;
  for (const [first, second] of orders(node)) {
    const even = factors(context, second);
    const abs = even && producer(context, even.rest, 'Abs');
    const odd = abs && factors(context, first, abs.input[0]);
    if (!odd || !even || !abs || abs.input[0] !== odd.rest) continue;
    const p = odd.factor.data[0] as number;
    const q = even.factor.data[0] as number;
    if (odd.factor.data.length > 1 || even.factor.data.length > 1 || Math.abs(p + q - 1) > 1e-6) continue;
    return {
      kind: slopeKind(constant(p - q)),
      spelling: 'p*x + q*|x|',
      input: odd.rest,
      nodes: [...odd.nodes, abs, ...even.nodes, node],
      negativeSlope: constant(p - q),
    };
  }
  return null;
}

/** Max(x, a*x), which is the rectifier of slope a for 0 <= a <= 1 only; beyond that it is another function. */
function maxOfMultiple(context: Context, node: NodeProto): Match | null {
  if (node.opType !== 'Max') return null;
  for (const [x, other] of orders(node)) {
    const scaled = factors(context, other, x);
    if (!scaled || scaled.nodes.length === 0 || scaled.rest !== x) continue;
    if (!scaled.factor.data.every(slope => slope >= 0 && slope <= 1)) continue;
    return {
      kind: slopeKind(scaled.factor),
      spelling: 'Max(x, a*x)',
      input: x,
      nodes: [...scaled.nodes, node],
      negativeSlope: scaled.factor,
    };
  }
  return null;
}

/** Where(x > 0, x, a*x): the definition itself, as `torch.where` and `np.where` write it. */
function whereForm(context: Context, node: NodeProto): Match | null {
  if (node.opType !== 'Where') return null;
  const [condition, yes, no] = node.input as [string, string, string];
  const compare = producer(context, condition, 'Greater', 'GreaterOrEqual', 'Less', 'LessOrEqual');
  if (!compare) return null;
  const [left, right] = compare.input as [string, string];
  const above = compare.opType.startsWith('Greater');
  const x = uniform(context, right) === 0 ? left : uniform(context, left) === 0 ? right : null;
  if (x === null) return null;
  const positiveFirst = above === (x === left);
  const [positive, negative] = positiveFirst ? [yes, no] : [no, yes];
  if (positive !== x) return null;
  const flat = uniform(context, negative) === 0;
  const scaled = flat ? null : factors(context, negative, x);
  if (!flat && (!scaled || scaled.rest !== x)) return null;
  const slope = scaled ? scaled.factor : zero;
  return {
    kind: slopeKind(slope),
    spelling: 'Where(x > 0, x, a*x)',
    input: x,
    nodes: [compare, ...(scaled?.nodes ?? []), node],
    negativeSlope: slope,
  };
}

const round = (value: number) => Number(value.toPrecision(6));

function clipped(input: string, max: number, spelling: string, nodes: NodeProto[]): Match {
  const kind = unbounded(max) ? 'relu' : Math.abs(max - 6) < 1e-6 ? 'relu6' : 'clipped-relu';
  return { kind, spelling, input, nodes, negativeSlope: zero, ceiling: kind === 'relu' ? Infinity : max };
}

/** Min(max(x, 0), 6) and its like: a clipped ReLU from two nodes. */
function minOfPositive(context: Context, node: NodeProto): Match | null {
  if (node.opType !== 'Min') return null;
  for (const [inner, bound] of orders(node)) {
    const positive = positivePart(context, inner);
    const max = uniform(context, bound);
    if (positive && max !== null && max > 0)
      return clipped(positive.x, max, `Min(Relu(x), ${round(max)})`, [...positive.nodes, node]);
  }
  return null;
}

/** Max(Min(x, 6), 0): the same the other way round. */
function positiveOfMin(context: Context, node: NodeProto): Match | null {
  const positive = positivePart(context, node.output[0] as string);
  const min = positive && producer(context, positive.x, 'Min');
  if (!positive || !min) return null;
  for (const [x, bound] of orders(min)) {
    const max = uniform(context, bound);
    if (max !== null && max > 0) return clipped(x, max, `Relu(Min(x, ${round(max)}))`, [min, ...positive.nodes]);
  }
  return null;
}

/**
 * Whether a match is the inside of hard-sigmoid or hard-swish, however it is spelled: clip(x + 3, 0, 6) that is then multiplied or
 * divided, or clip(x + 0.5, 0, 1). It gates its neighbour and has no units that could die.
 */
function isHardSigmoid(context: Context, { input, nodes, ceiling = Infinity }: Match): boolean {
  const add = Number.isFinite(ceiling) ? producer(context, input, 'Add') : null;
  const centred =
    add?.input.some(name => Math.abs((uniform(context, name) ?? 0) - ceiling / 2) < 1e-6 * ceiling) ?? false;
  if (!centred || Math.abs(ceiling - 1) < 1e-6) return centred;
  const output = nodes[nodes.length - 1]?.output[0] as string;
  const readers = context.scope.consumers.get(output) ?? [];
  return readers.length > 0 && readers.every(reader => reader.opType === 'Mul' || reader.opType === 'Div');
}

/** A rectifier that is one node. */
function singleNode(context: Context, node: NodeProto): Match | null {
  const input = node.input[0] as string;
  const slopeMatch = (slope: Constant, kind: RectifierKind): Match => ({
    kind,
    spelling: node.opType,
    input,
    nodes: [node],
    negativeSlope: slope,
  });
  switch (node.opType) {
    case 'Relu':
      return slopeMatch(zero, 'relu');
    case 'LeakyRelu':
      return slopeMatch(constant(floatAttribute(node, 'alpha', 0.01)), 'leaky-relu');
    case 'PRelu': {
      const slope = context.lookup(context.scope, node.input[1] as string);
      return { kind: 'prelu', spelling: 'PRelu', input, nodes: [node], negativeSlope: slope };
    }
    case 'ThresholdedRelu': {
      const threshold = floatAttribute(node, 'alpha', 1);
      return { ...slopeMatch(zero, 'thresholded-relu'), threshold };
    }
    case 'Elu':
    case 'Selu':
    case 'Celu':
      return {
        kind: node.opType.toLowerCase() as RectifierKind,
        spelling: node.opType,
        input,
        nodes: [node],
        negativeSlope: null,
      };
    case 'Clip': {
      const bounds = clipBounds(context, node);
      if (bounds?.min !== 0 || !(bounds.max > 0)) return null;
      const spelling = unbounded(bounds.max) ? 'Clip(0, ∞)' : `Clip(0, ${round(bounds.max)})`;
      return clipped(input, bounds.max, spelling, [node]);
    }
    case 'Max': {
      const positive = positivePart(context, node.output[0] as string);
      return positive && clipped(positive.x, Infinity, 'Max(x, 0)', positive.nodes);
    }
    default:
      return null;
  }
}

const composites = [sumOfParts, evenOdd, maxOfMultiple, whereForm, minOfPositive, positiveOfMin];

/** Whether a value depends on what the model is fed and not only on constants and shapes. */
type IsData = (value: string) => boolean;

/** Tells which values of a graph are data; of values of the graphs around it, `outer` does. */
function dataValues(scope: Scope, outer: IsData): IsData {
  const own = new Map<string, boolean>(scope.graph.input.map(input => [input.name, true]));
  for (const name of scope.initializers.keys()) own.set(name, false);
  const isData: IsData = value => own.get(value) ?? outer(value);
  for (const node of scope.nodes) {
    const ofShape = node.opType === 'Shape' || node.opType === 'Size';
    const isRandom = node.input.length === 0 && node.opType.startsWith('Random');
    const found = !ofShape && (isRandom || readsOf(node).some(isData));
    for (const name of node.output) own.set(name, found);
  }
  return isData;
}

/** Finds the rectifiers of one graph (not of its subgraphs), in the order in which they run. */
function inScope(context: Context, isData: IsData): Omit<Rectifier, 'name'>[] {
  const { scope, lookup } = context;
  const candidates = scope.nodes.filter(node => isStandard(node) && node.output[0] && !lookup(scope, node.output[0]));
  const found: Omit<Rectifier, 'name'>[] = [];
  const taken = new Set<NodeProto>();
  const add = (node: NodeProto, match: Match | null) => {
    if (!match || !isData(match.input)) return;
    const { threshold = 0, ceiling = Infinity } = match;
    if (!isHardSigmoid(context, match))
      found.push({ ...match, threshold, ceiling, scope, output: node.output[0] as string });
    const inside = (part: NodeProto) =>
      part.output.every(
        value =>
          !scope.outputs.has(value) && (scope.consumers.get(value) ?? []).every(reader => match.nodes.includes(reader)),
      );
    for (const part of match.nodes) if (part === node || inside(part)) taken.add(part);
  };
  for (const match of composites) for (const node of candidates) if (!taken.has(node)) add(node, match(context, node));
  for (const node of candidates) if (!taken.has(node)) add(node, singleNode(context, node));
  const position = new Map(scope.nodes.map((node, index) => [node, index]));
  const order = ({ nodes }: Omit<Rectifier, 'name'>) => position.get(nodes[nodes.length - 1] as NodeProto) as number;
  return found.sort((a, b) => order(a) - order(b));
}

/**
 * Finds every rectifier of a model, however it is spelled, in the given graphs: Relu, LeakyRelu, PRelu, ThresholdedRelu, Elu,
 * Selu, Celu, Clip from 0, Max and Min forms, and the sums by which exporters spell PReLU. The Clip inside hard-sigmoid and
 * hard-swish is not one. Names are unique.
 *
 * @example
 * import { allScopes, constantLookup, findRectifiers, indexGraph } from 'reluminate/onnx';
 * import { floatTensor, graph, modelProto, node, valueInfo } from 'reluminate/onnx';
 * const main = graph({
 *   nodes: [node('Mul', ['x', 'a'], ['scaled']), node('Max', ['x', 'scaled'], ['y'])],
 *   inputs: [valueInfo('x', [4])],
 *   initializers: [floatTensor('a', [], [0.25])],
 * });
 * const scope = indexGraph({ name: 'm', proto: modelProto(main), external: new Map(), bytes: 0 });
 * const [found] = findRectifiers(allScopes(scope), constantLookup(new Map()));
 * [found.kind, found.spelling, found.negativeSlope.data[0]]; // => ["leaky-relu", "Max(x, a*x)", 0.25]
 */
export function findRectifiers(scopes: readonly Scope[], lookup: ConstantLookup): Rectifier[] {
  const seen = new Map<string, number>();
  const taken = new Set<string>();
  const data = new Map<Scope, IsData>();
  const dataOf = (scope: Scope | null): IsData => {
    if (!scope) return () => false;
    const isData = data.get(scope) ?? dataValues(scope, dataOf(scope.parent));
    data.set(scope, isData);
    return isData;
  };
  return scopes
    .flatMap(scope => inScope({ scope, lookup }, dataOf(scope)))
    .map(rectifier => {
      const base = nodeName(rectifier.nodes[rectifier.nodes.length - 1] as NodeProto);
      let count = seen.get(base) ?? 0;
      let name: string;
      do {
        count++;
        name = count === 1 ? base : `${base} (${count})`;
      } while (taken.has(name));
      seen.set(base, count);
      taken.add(name);
      return { ...rectifier, name };
    });
}
