import { mainGraph } from '../onnx/model.js';
import { plural } from '../words.js';
import type { Anatomy } from './anatomy.js';
import type { Finding, LayerReport } from './report.js';
import type { WeightCensus } from './weights.js';

const listed = 20;
/** A noun counted, with its verb: `1 weight is`, `2 weights are`. */
const pluralAre = (count: number, noun: string): string => `${plural(count, noun)} ${count === 1 ? 'is' : 'are'}`;
const sum = (items: readonly number[]): number => items.reduce((a, b) => a + b, 0);

/** Outputs of the model that do not depend on its input. */
export const constantOutputs = ({ scope, known, lookup }: Anatomy): Set<string> => {
  const isConstant = (name: string) => {
    const knowledge = known.get(name);
    return typeof knowledge === 'object' ? knowledge.constant.every(flag => flag === 1) : knowledge === 'constant';
  };
  return new Set([...scope.outputs].filter(name => isConstant(name) || lookup(scope, name) !== null));
};

function weights(census: readonly WeightCensus[]): Finding[] {
  const broken = census.filter(item => item.nonFinite > 0);
  const subnormal = census.filter(item => item.subnormal > 0);
  const tiny = sum(census.map(item => item.tiny));
  return [
    ...(broken.length > 0
      ? [
          {
            code: 'non-finite-weights' as const,
            severity: 'error' as const,
            text: `${pluralAre(sum(broken.map(item => item.nonFinite)), 'weight')} NaN or infinite, in ${plural(broken.length, 'tensor')}.`,
            where: broken.map(item => item.name).slice(0, listed),
          },
        ]
      : []),
    ...(subnormal.length > 0
      ? [
          {
            code: 'subnormal-weights' as const,
            severity: 'warning' as const,
            text: `${pluralAre(sum(subnormal.map(item => item.subnormal)), 'weight')} subnormal, and with such numbers a CPU computes many times slower; setting the ${tiny.toLocaleString('en-US')} weights below 1e−12 to zero changes no output that matters. Measure the gain with --time.`,
            where: subnormal.map(item => item.name).slice(0, listed),
          },
        ]
      : []),
  ];
}

/** Channels and outputs that do not depend on the input, and channels that nothing reads. */
function dataflow(anatomy: Anatomy): Finding[] {
  const { scope, known, reads } = anatomy;
  const outputs = constantOutputs(anatomy);
  // What feeds a rectifier is judged there, unit by unit.
  const rectified = new Map(
    anatomy.layers.flatMap(layer => {
      const { rectifier, feed } = layer;
      const chain = feed ? [feed.node, ...feed.between].flatMap(node => node.output) : [];
      return [rectifier.input, rectifier.output, ...chain].map(value => [value, layer] as const);
    }),
  );
  const partlyConstantOutputs: string[] = [];
  const constantChannels: string[] = [];
  const unread: string[] = [];
  let constantCount = 0;
  let unreadCount = 0;
  for (const [value, knowledge] of known) {
    if (typeof knowledge !== 'object') continue;
    const constants = sum(Array.from(knowledge.constant));
    const isLayer = ['Conv', 'ConvTranspose', 'Gemm', 'MatMul'].includes(scope.producer.get(value)?.opType ?? '');
    if (constants > 0 && scope.outputs.has(value) && !outputs.has(value))
      partlyConstantOutputs.push(`${value} (${constants} of ${knowledge.constant.length} channels)`);
    if (constants > 0 && isLayer && !rectified.has(value)) {
      constantCount += constants;
      constantChannels.push(value);
    }
    const flags = reads.get(value);
    if (!isLayer || flags === 'all') continue;
    const nobody = sum(
      Array.from(knowledge.constant, (constant, channel) =>
        !constant && !rectified.get(value)?.vanished[channel] && flags?.[channel] !== 1 ? 1 : 0,
      ),
    );
    if (nobody > 0) {
      unreadCount += nobody;
      unread.push(value);
    }
  }
  const findings: Finding[] = [];
  const stuck = [...outputs, ...partlyConstantOutputs];
  if (stuck.length > 0)
    findings.push({
      code: 'constant-output',
      severity: 'error',
      text: `${plural(stuck.length, 'output')} of the model ${stuck.length === 1 ? 'does' : 'do'} not depend on its input, wholly or in some channels.`,
      where: stuck.slice(0, listed),
    });
  if (constantCount > 0)
    findings.push({
      code: 'constant-channels',
      severity: 'note',
      text: `${plural(constantCount, 'channel')} of layers without a rectifier ${constantCount === 1 ? 'does' : 'do'} not depend on the input.`,
      where: constantChannels.slice(0, listed),
    });
  if (unreadCount > 0)
    findings.push({
      code: 'unread-channels',
      severity: 'warning',
      text: `${pluralAre(unreadCount, 'channel')} computed although no output of the model depends on ${unreadCount === 1 ? 'it' : 'them'}.`,
      where: unread.slice(0, listed),
    });
  return findings;
}

function parameters(layers: readonly LayerReport[]): Finding[] {
  const normed = layers.filter(layer => layer.batchNorm);
  const redundant = sum(normed.map(layer => layer.batchNorm?.redundant ?? 0));
  const odd = layers.filter(
    layer => layer.slopes && layer.slopes.counts['non-monotone'] + layer.slopes.counts.expanding > 0,
  );
  return [
    ...(odd.length > 0
      ? [
          {
            code: 'negative-slopes' as const,
            severity: 'warning' as const,
            text: `${pluralAre(sum(odd.map(layer => (layer.slopes?.counts['non-monotone'] ?? 0) + (layer.slopes?.counts.expanding ?? 0))), 'slope')} negative (the unit is not monotone) or beyond 1 (it amplifies what it should damp).`,
            where: odd.map(layer => layer.name).slice(0, listed),
          },
        ]
      : []),
    ...(redundant > 0
      ? [
          {
            code: 'batch-norm-redundancy' as const,
            severity: 'note' as const,
            text: `${plural(redundant, 'batch-norm scale')} in ${plural(normed.length, 'layer')} cannot be told apart from the weights that follow: for gamma > 0, f(gamma z) = gamma f(z), so the scale moves into the next layer.`,
            where: normed.map(layer => layer.name).slice(0, listed),
          },
        ]
      : []),
  ];
}

/** What the owner of the model would want to know besides the verdicts, worst first. */
export function findingsOf(
  anatomy: Anatomy,
  census: readonly WeightCensus[],
  layers: readonly LayerReport[],
  synthetic: boolean,
  outside: readonly string[],
): Finding[] {
  const graph = mainGraph(anatomy.model);
  const fedInitializers = graph.input
    .filter(input => anatomy.scope.initializers.has(input.name))
    .map(input => input.name);
  const findings: Finding[] = [
    ...weights(census),
    ...dataflow(anatomy),
    ...parameters(layers),
    ...(fedInitializers.length > 0
      ? [
          {
            code: 'initializer-inputs' as const,
            severity: 'note' as const,
            text: `${pluralAre(fedInitializers.length, 'initializer')} listed as inputs too, which keeps ONNX Runtime from folding and fusing them; heal --drop-initializer-inputs takes them off the list.`,
            where: fedInitializers.slice(0, listed),
          },
        ]
      : []),
    ...(outside.length > 0
      ? [
          {
            code: 'outside-input-range' as const,
            severity: 'warning' as const,
            text: `The data leave the declared input range: in ${plural(outside.length, 'layer')} units were seen outside of their proved bounds, and are judged by the data.`,
            where: outside.slice(0, listed),
          },
        ]
      : []),
    ...(synthetic
      ? [
          {
            code: 'synthetic-data' as const,
            severity: 'warning' as const,
            text: 'The verdicts on samples are about synthetic inputs, not about data the model was made for: a unit that is silent on noise may be essential on real inputs.',
            where: [],
          },
        ]
      : []),
    ...(layers.length === 0
      ? [{ code: 'no-rectifiers' as const, severity: 'note' as const, text: 'The model has no rectifiers.', where: [] }]
      : []),
  ];
  const order = { error: 0, warning: 1, note: 2 };
  return findings.sort((a, b) => order[a.severity] - order[b.severity]);
}
