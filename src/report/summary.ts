import type { AuditReport, LayerReport } from '../audit/report.js';
import { printable } from './names.js';
import { bytes, count, percent, plural, si, significant } from './numbers.js';
import { verdictStyles } from './verdict-style.js';

/** Whether a layer has anything to report beyond healthy and unobserved units. */
export const isTroubled = ({ counts }: LayerReport): boolean =>
  Object.entries(counts).some(([verdict, n]) => verdict !== 'healthy' && verdict !== 'unobserved' && n > 0);

/** What feeds a layer, with the usual abbreviation: `Conv + BN`; null where no single layer does. */
export const feeder = ({ fedBy }: LayerReport): string | null =>
  fedBy === null ? null : printable(fedBy.op).replaceAll('BatchNormalization', 'BN');

const badness: readonly ((layer: LayerReport) => number)[] = [
  layer => layer.dead,
  ({ counts }) => counts.rare + counts.silent,
  ({ counts }) => counts.dormant,
  ({ counts }) => counts['proved-linear'] + counts.linear,
];

/** Numbers of the layers (their places in the report), most dead share first, then most rare, dormant and linear share. */
export function worstFirst(layers: readonly LayerReport[]): number[] {
  const shares = layers.map(layer => badness.map(of => of(layer) / (layer.units.length || 1)));
  const compare = (a: number, b: number) => {
    const key = badness.findIndex((_, k) => shares[a]![k] !== shares[b]![k]);
    return key < 0 ? a - b : shares[b]![key]! - shares[a]![key]!;
  };
  return [...layers.keys()].sort(compare);
}

const interval = (lower: number, upper: number): string => `${significant(lower)} to ${significant(upper)}`;

/** What the inputs of a proof may be, one entry for each: `image from 0 to 1`; null where nothing was to be proved. */
export const proofRange = ({ proof }: AuditReport): string[] | null =>
  proof?.inputs.map(({ name, lower, upper }) => {
    const all = lower.map((low, channel) => interval(low, upper[channel] as number));
    const shown = all.length > 4 ? [...all.slice(0, 4), '…'] : all;
    return `${printable(name)} from ${shown.join(', ')}${all.length > 1 ? ' (by channel)' : ''}`;
  }) ?? null;

/** Layers of which nothing was proved, by reason. */
function unboundedSentences({ layers, proof }: AuditReport): string[] {
  if (proof === null) return [];
  const reasons = new Map<string, number>();
  for (const { unboundedBecause: reason } of layers)
    if (reason !== null) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  return [...reasons].map(([reason, n]) => `No bounds were proved for ${plural(n, 'layer')}: ${printable(reason)}.`);
}

const list = (parts: readonly string[]): string =>
  parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;

/** Upper end of the 95 % confidence interval of a firing rate when none of `samples` fired. */
const silentRate = (samples: number): number => 1 - 0.05 ** (1 / samples);

/** What the dead units died of, as far as known: `31 vanished (…), 37 silent on 200 samples (…)`. */
function deadByVerdict({ layers, samples, totals, proof }: AuditReport): string {
  const { vanished } = totals.counts;
  const isProved = (unit: LayerReport['units'][number]) => unit.dead && unit.verdict === 'proved-dead';
  const proved = layers.reduce((sum, layer) => sum + layer.units.filter(isProved).length, 0);
  const silent = totals.dead - vanished - proved;
  const rounded = layers.some(layer =>
    layer.units.some(unit => unit.verdict === 'vanished' && unit.certainty === 'float32 rounding'),
  );
  const rate = `${silent === 1 ? 'it' : 'each'} fires on fewer than ${percent(silentRate(samples))} of inputs`;
  const parts = [
    { n: vanished, what: `vanished (${rounded ? 'to float32 rounding' : 'exact'}, no data needed)` },
    { n: proved, what: `proved dead (for every input${proof === null ? '' : ' in the declared range'})` },
    { n: silent, what: `silent on ${plural(samples, 'sample')} (${rate}, 95\u00a0% confidence)` },
  ].filter(({ n }) => n > 0);
  if (parts.length === 1) return (parts[0]!.n === 1 ? '' : 'all ') + parts[0]!.what;
  return parts.map(({ n, what }) => `${count(n)} ${what}`).join(', ');
}

function deadSentence(report: AuditReport): string {
  const { units, dead, layers } = report.totals;
  const observed = report.samples > 0;
  if (dead === 0) {
    const none = `None of ${plural(units, 'unit')} in ${plural(layers, 'layer')} is dead`;
    return observed
      ? `${none} on ${plural(report.samples, 'sample')}.`
      : `${none} by its weights alone; whether one never fires takes data to tell.`;
  }
  const hit = report.layers.filter(layer => layer.dead > 0).length;
  const share = `${count(dead)} of ${plural(units, 'unit')} (${percent(dead / units)})`;
  const places = `in ${count(hit)} of ${plural(layers, 'layer')}`;
  const sentence = `${share} ${places} ${dead === 1 ? 'is' : 'are'} dead: ${deadByVerdict(report)}.`;
  return observed ? sentence : `${sentence} Units that merely never fire take data to tell.`;
}

/** Silent units whose negative side is not flat: they leak, so they are not dead. */
function leakingSentence({ totals: { counts, dead } }: AuditReport): string[] {
  const leaking = counts.vanished + counts['proved-dead'] + counts.silent - dead;
  if (leaking === 0) return [];
  return [
    `${plural(leaking, 'unit')} never fired but ${leaking === 1 ? 'leaks' : 'leak'} through a negative slope: not dead, but linear.`,
  ];
}

function othersSentence({ totals: { counts } }: AuditReport): string[] {
  const rest = (['rare', 'dormant', 'proved-linear', 'linear', 'unobserved'] as const).filter(v => counts[v] > 0);
  if (rest.length === 0) return [];
  const [first, ...more] = rest.map(verdict => [counts[verdict], verdictStyles[verdict].label] as const);
  const [n, label] = first!;
  return [
    `${list([`${plural(n, 'unit')} ${n === 1 ? 'is' : 'are'} ${label}`, ...more.map(([m, other]) => `${count(m)} ${other}`)])}.`,
  ];
}

function fewer({
  parameters,
  parameterShare,
  multiplyAdds,
  multiplyAddShare,
}: AuditReport['totals']['removable']): string {
  const less = `${percent(parameterShare)} fewer parameters (${count(parameters)})`;
  if (multiplyAdds === null || multiplyAddShare === null) return less;
  return `${less} and ${percent(multiplyAddShare)} fewer multiply-adds (${si(multiplyAdds)})`;
}

/** Whether what is surely constant or unread is what a prune of the model left, for reasons that it gave. */
export const isLeftByPrune = ({ model: { pruned }, totals: { removable } }: AuditReport): boolean =>
  pruned !== null && removable.units <= pruned.left;

function surelyRemovable(report: AuditReport): string[] {
  const { units } = report.totals.removable;
  if (units === 0) return [];
  const are = units === 1 ? 'is' : 'are';
  return isLeftByPrune(report)
    ? [
        `${plural(units, 'unit')} ${are} surely constant or unread, and ${are} what heal --prune, which made this model, left for reasons it gave.`,
      ]
    : [
        `Without the ${plural(units, 'unit')} that ${are} surely constant or unread, the model would have at most ${fewer(report.totals.removable)}, its outputs unchanged; heal --prune takes out what it can and says why the rest stays.`,
      ];
}

function removableSentences(report: AuditReport): string[] {
  const {
    samples,
    totals: { removable, removableOnData },
  } = report;
  const sentences = surelyRemovable(report);
  if (removableOnData === null || removableOnData.units <= removable.units) return sentences;
  const these =
    removable.units > 0
      ? 'With the silent units gone too'
      : `Without the ${plural(removableOnData.units, 'unit')} that ${removableOnData.units === 1 ? 'is' : 'are'} silent, or unread once the silent ones are gone`;
  const caveat = `unchanged on the ${plural(samples, 'sample')} only`;
  return [
    ...sentences,
    `${these}, ${removable.units > 0 ? 'it' : 'the model'} would have at most ${fewer(removableOnData)}, its outputs ${caveat}.`,
  ];
}

function subnormalSentences({ subnormals: { subnormal, tiny, time } }: AuditReport): string[] {
  if (tiny === 0) return [];
  const first =
    subnormal > 0
      ? `${plural(subnormal, 'weight is a subnormal number', 'weights are subnormal numbers')}, which slow a CPU down; ${count(tiny)} are smaller than 1e−12.`
      : `${plural(tiny, 'weight is', 'weights are')} smaller than 1e−12, none subnormal.`;
  if (time === null) return [first];
  const medians = `${significant(time.original)} ms as it is, ${significant(time.flushed)} ms with these set to zero`;
  const ratio = `${significant(time.ratio, 2)} times as fast; ${significant(time.ratioLow, 2)} to ${significant(time.ratioHigh, 2)} in the middle half of ${plural(time.rounds, 'round')}`;
  const change =
    time.largestDifference === 0
      ? 'its outputs stay the same to the bit'
      : `its outputs change by ${significant(time.largestDifference)} at most`;
  return [first, `One run takes ${medians} (${ratio}); ${change}.`];
}

/** What an audit found, in words: one sentence each, the most important first. */
export function summary(report: AuditReport): string[] {
  const units =
    report.totals.layers === 0
      ? ['The model has no rectifier (ReLU, Leaky ReLU, PReLU or a relative), so none of its units can die.']
      : [deadSentence(report), ...leakingSentence(report), ...othersSentence(report), ...removableSentences(report)];
  return [...units, ...unboundedSentences(report), ...subnormalSentences(report)];
}

/** The warning that goes above and below a report on made-up inputs; null for any other. */
export function syntheticWarning({ data }: AuditReport): string | null {
  return data.kind === 'synthetic'
    ? 'SYNTHETIC INPUTS: the verdicts that rest on samples are about made-up inputs, not about your data. Audit again with real samples before you act on them.'
    : null;
}

/** The facts about a model, as short texts: size, producer, operator sets, parameters, work. */
export function modelFacts({ model }: AuditReport): string[] {
  const opsets = Object.entries(model.opsets).map(([domain, version]) =>
    domain === '' || domain === 'ai.onnx' ? `opset ${version}` : `${printable(domain)} ${version}`,
  );
  return [
    bytes(model.bytes),
    ...(model.producer === '' ? [] : [printable(model.producer)]),
    ...opsets,
    plural(model.nodes, 'node'),
    plural(model.parameters, 'parameter'),
    ...(model.multiplyAdds === null ? [] : [`${si(model.multiplyAdds)} multiply-adds`]),
  ];
}
