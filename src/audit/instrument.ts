import { float, floatTensor, intTensor, node, valueInfo } from '../onnx/build.js';
import { freshNames } from '../onnx/edit.js';
import { copyModel, type Model, mainGraph } from '../onnx/model.js';
import { DataType, type NodeProto } from '../onnx/proto.js';
import type { Rectifier } from '../onnx/rectifiers.js';

/** A rectifier whose statistics can be taken: the shape of its values for one batch, and where samples and units lie in it. */
export interface ObservedLayer {
  readonly rectifier: Rectifier;
  readonly units: number;
  /** Positions of one unit on one sample. */
  readonly positions: number;
  readonly dims: readonly number[];
  /** Axis of the units, from the front. */
  readonly unitAxis: number;
  /** Whether axis 0 is the samples'; otherwise the whole value belongs to the one sample of the batch. */
  readonly samplesFirst: boolean;
}

/**
 * What is watched to see a unit fire. ONNX Runtime fuses a Relu, Clip or LeakyRelu node into the layer before it, so its output is watched and the
 * fusion left alone; it is positive exactly where the pre-activation is (slopes from 0 up). Other spellings are not fused: there the pre-activation is read.
 */
export function watched({ nodes, input, output, negativeSlope, threshold }: Rectifier): {
  value: string;
  threshold: number;
} {
  const fusible =
    nodes.length === 1 && ['Relu', 'Clip', 'LeakyRelu', 'ThresholdedRelu'].includes((nodes[0] as NodeProto).opType);
  const rising = threshold >= 0 && (negativeSlope?.data.every(slope => slope >= 0) ?? false);
  return fusible && rising ? { value: output, threshold: 0 } : { value: input, threshold };
}

/** An instrumented model and the names of its statistics, each a `[samples, units of all layers]` matrix. */
export interface Instrument<Statistic extends string> {
  readonly model: Model;
  readonly outputs: Readonly<Record<Statistic, string>>;
}

/** Makes nodes that reduce a value to one number for each sample and unit. */
interface Reducer {
  /** The value as `[samples, units, …positions]` in float32. */
  arrange(value: string, layer: ObservedLayer): string;
  /** One operator, returning the name of its result. */
  apply(op: string, inputs: readonly string[], attributes?: Parameters<typeof node>[3]): string;
  /** Largest and mean over positions, as `[samples, units, 1, …]`. */
  max(arranged: string, layer: ObservedLayer): string;
  mean(arranged: string, layer: ObservedLayer): string;
  /** A float32 scalar. */
  scalar(value: number): string;
}

/** Rank of a layer's values once they are arranged as samples, units and positions. */
const arrangedRank = ({ dims, positions, samplesFirst }: ObservedLayer): number =>
  positions === 1 ? 2 : dims.length + (samplesFirst ? 0 : 1);

/** Layers in the order in which their units stand in the matrices of an instrument: by rank, then as they come. */
export const matrixOrder = (layers: readonly ObservedLayer[]): ObservedLayer[] => {
  const ranks = [...new Set(layers.map(arrangedRank))];
  return ranks.flatMap(rank => layers.filter(layer => arrangedRank(layer) === rank));
};

/**
 * Appends statistics to a copy of the model: `measure` says which, for each layer. All layers' results leave as one matrix for
 * each statistic, the layers in `matrixOrder`.
 */
function instrument<Statistic extends string>(
  original: Model,
  layers: readonly ObservedLayer[],
  statistics: readonly Statistic[],
  measure: (layer: ObservedLayer, reduce: Reducer) => Record<Statistic, string>,
): Instrument<Statistic> {
  const model = copyModel(original);
  const graph = mainGraph(model);
  const fresh = freshNames(model);
  const apply: Reducer['apply'] = (op, inputs, attributes) => {
    const name = fresh(`reluminate/${op}`);
    graph.node.push(node(op, inputs, [name], attributes));
    return name;
  };
  const constants = new Map<string, string>();
  const constant = (key: string, make: (name: string) => ReturnType<typeof floatTensor>): string => {
    const known = constants.get(key);
    if (known) return known;
    const name = fresh(`reluminate/${key}`);
    graph.initializer.push(make(name));
    constants.set(key, name);
    return name;
  };
  const pooled = (op: string, arranged: string, { positions }: ObservedLayer) =>
    positions === 1 ? arranged : apply(op, [arranged]);
  const reduce: Reducer = {
    apply,
    arrange(value, { dims, unitAxis, samplesFirst, units, positions }) {
      let at = apply('Cast', [value], { to: DataType.FLOAT });
      let axis = unitAxis;
      let rank = dims.length;
      if (!samplesFirst) {
        const target = [1, ...dims];
        at = apply('Reshape', [
          at,
          constant(`shape_${target.join('_')}`, name => intTensor(name, [target.length], target)),
        ]);
        axis++;
        rank++;
      }
      if (axis !== 1) {
        const others = Array.from({ length: rank }, (_, index) => index).filter(index => index !== 0 && index !== axis);
        at = apply('Transpose', [at], { perm: [0, axis, ...others] });
      }
      return positions === 1 && rank > 2
        ? apply('Reshape', [at, constant(`shape_0_${units}`, name => intTensor(name, [2], [0, units]))])
        : at;
    },
    max: (arranged, layer) => pooled('GlobalMaxPool', arranged, layer),
    mean: (arranged, layer) => pooled('GlobalAveragePool', arranged, layer),
    scalar: value => constant(`scalar_${value}`, name => floatTensor(name, [], [value])),
  };
  const measured = layers.map(layer => ({ rank: arrangedRank(layer), results: measure(layer, reduce) }));
  const joined = (parts: readonly string[]) =>
    parts.length === 1 ? (parts[0] as string) : apply('Concat', parts, { axis: 1 });
  const outputs = Object.fromEntries(
    statistics.map(statistic => {
      // Layers of one rank are joined before they are flattened: a few nodes instead of two for each layer.
      const ranks = [...new Set(measured.map(({ rank }) => rank))];
      const flat = ranks.map(each => {
        const matrix = joined(measured.filter(({ rank }) => rank === each).map(({ results }) => results[statistic]));
        return each === 2 ? matrix : apply('Flatten', [matrix], { axis: 1 });
      });
      const name = apply('Identity', [joined(flat)]);
      graph.output.push(valueInfo(name, undefined, DataType.FLOAT));
      return [statistic, name];
    }),
  ) as Record<Statistic, string>;
  return { model, outputs };
}

/**
 * The light instrument, run on every sample: the mean of |h| for each unit, and a signal that is above the threshold exactly where
 * the unit fired. Where the output is never negative its mean is both; elsewhere the signal is the largest watched value.
 */
export const firingInstrument = (model: Model, layers: readonly ObservedLayer[]) =>
  instrument(model, layers, ['signal', 'activity'] as const, (layer, reduce) => {
    const { rectifier } = layer;
    const output = reduce.arrange(rectifier.output, layer);
    const { value } = watched(rectifier);
    const flat = rectifier.negativeSlope?.data.every(slope => slope === 0) ?? false;
    const neverNegative = flat && rectifier.threshold >= 0;
    const activity = reduce.mean(neverNegative ? output : reduce.apply('Abs', [output]), layer);
    if (neverNegative && value === rectifier.output) return { signal: activity, activity };
    return { signal: reduce.max(value === rectifier.output ? output : reduce.arrange(value, layer), layer), activity };
  });

/** So steep a hard sigmoid that it is the step [x > 0] for every float32 from 2^-126 up: many times faster in ONNX Runtime than Sign or Greater. */
const step = { alpha: float(3.4028234663852886e38), beta: float(0) };

/** The full instrument: extremes, mean, mean and mean square of the deviations from that mean, and the share of positive positions of the pre-activation. The engine's mean is a plain float32 sum; the mean of the deviations corrects what it lost, and nothing cancels in the variance. It undoes fusions, so it costs more. */
export const fullInstrument = (model: Model, layers: readonly ObservedLayer[]) =>
  instrument(
    model,
    layers,
    ['max', 'negatedMin', 'mean', 'residual', 'square', 'positiveShare'] as const,
    (layer, reduce) => {
      const input = reduce.arrange(layer.rectifier.input, layer);
      const mean = reduce.mean(input, layer);
      const deviation = reduce.apply('Sub', [input, mean]);
      const above =
        layer.rectifier.threshold === 0
          ? input
          : reduce.apply('Sub', [input, reduce.scalar(layer.rectifier.threshold)]);
      return {
        max: reduce.max(input, layer),
        negatedMin: reduce.max(reduce.apply('Neg', [input]), layer),
        mean,
        residual: reduce.mean(deviation, layer),
        square: reduce.mean(reduce.apply('Mul', [deviation, deviation]), layer),
        positiveShare: reduce.mean(reduce.apply('HardSigmoid', [above], step), layer),
      };
    },
  );

/** The pre-activations themselves, for layers in which something is not finite and has to be counted. */
export const rawInstrument = (model: Model, layers: readonly ObservedLayer[]): { model: Model; outputs: string[] } => {
  const copy = copyModel(model);
  const fresh = freshNames(copy);
  const graph = mainGraph(copy);
  const outputs = layers.map(({ rectifier }) => {
    const name = fresh('reluminate/raw');
    graph.node.push(node('Cast', [rectifier.input], [name], { to: DataType.FLOAT }));
    graph.output.push(valueInfo(name, undefined, DataType.FLOAT));
    return name;
  });
  return { model: copy, outputs };
};
