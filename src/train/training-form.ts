import { floatAttribute, intAttribute, isStandard } from '../onnx/attributes.js';
import { float, node } from '../onnx/build.js';
import { replaceNode } from '../onnx/edit.js';
import { type Model, mainGraph } from '../onnx/model.js';
import type { NodeProto } from '../onnx/proto.js';
import { createRandom } from '../random.js';
import { parseRectifier } from '../rectifiers/parse-rectifier.js';
import { rectifyBehindPools } from './behind-pools.js';
import type { Writer } from './writer.js';

/** Running statistics that a batch norm renews in each step: the names of the old values and of the new. */
export interface RunningStatistic {
  readonly name: string;
  readonly renewed: string;
}

/** Batch norm with the batch's own statistics, which also renews the running ones. */
function withBatchStatistics(writer: Writer, norm: NodeProto): { node: NodeProto; statistics: RunningStatistic[] } {
  const [mean, variance] = [norm.input[3] as string, norm.input[4] as string];
  const renewed = [writer.fresh(`${mean}/renewed`), writer.fresh(`${variance}/renewed`)] as const;
  return {
    node: node('BatchNormalization', norm.input, [norm.output[0] as string, ...renewed], {
      epsilon: float(floatAttribute(norm, 'epsilon', 1e-5)),
      momentum: float(floatAttribute(norm, 'momentum', 0.9)),
      training_mode: 1,
    }),
    statistics: [
      { name: mean, renewed: renewed[0] },
      { name: variance, renewed: renewed[1] },
    ],
  };
}

/** RReLU as it is in training, x above 0 and r x elsewhere with r drawn for each element, in place of a leaky ReLU whose documentation says that it is one. */
function withRandomSlopes(writer: Writer, leaky: NodeProto, seed: number): NodeProto[] {
  const { name, parameters } = parseRectifier(leaky.docString);
  const [x, y] = [leaky.input[0] as string, leaky.output[0] as string];
  const drawn = writer.fresh(`${y}/drawn`);
  const bounds = { low: float(parameters.lower as number), high: float(parameters.upper as number), seed: float(seed) };
  const draw = node('RandomUniformLike', [x], [drawn], bounds);
  if (!name.startsWith('rrelu-xu2015')) return [draw, node('PRelu', [x, drawn], [y])];
  const slopes = writer.fresh(`${y}/slopes`);
  return [draw, node('Reciprocal', [drawn], [slopes]), node('PRelu', [x, slopes], [y])];
}

/** What the builders write into the documentation of an RReLU. */
const isRandom = /^rrelu(-xu2015)?:[\d.e+-]+,[\d.e+-]+$/;

/** Whole numbers that float32, the type of an operator's seed, holds. */
const seeds = 2 ** 24;

/**
 * Brings the main graph of a model, which it changes, from the form of inference into that of training: batch norm with the statistics of the
 * batch where `batchStatistics` says so, RReLU with random slopes by the seed. Returns the running statistics that each step renews.
 */
export function toTrainingForm(
  model: Model,
  writer: Writer,
  { batchStatistics, seed }: { readonly batchStatistics: boolean; readonly seed: number },
): RunningStatistic[] {
  const graph = mainGraph(model);
  const random = createRandom(seed);
  const statistics: RunningStatistic[] = [];
  for (const each of [...graph.node]) {
    if (!isStandard(each)) continue;
    if (each.opType === 'LeakyRelu' && isRandom.test(each.docString))
      replaceNode(graph, each, withRandomSlopes(writer, each, random.integer(seeds)));
    if (each.opType === 'BatchNormalization' && batchStatistics && intAttribute(each, 'training_mode', 0) === 0) {
      const renewing = withBatchStatistics(writer, each);
      replaceNode(graph, each, [renewing.node]);
      statistics.push(...renewing.statistics);
    }
  }
  rectifyBehindPools(model);
  return statistics;
}
