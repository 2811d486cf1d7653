import { type AuditReport, type Certainty, type UnitReport, verdicts } from '../audit/report.js';
import { labels, printable } from './names.js';
import { plural, significant } from './numbers.js';
import { verdictStyles } from './verdict-style.js';

const certainties: readonly Certainty[] = ['exact', 'float32 rounding', 'proof', 'sample', 'none'];

/** A column of numbers, one for each unit. */
type Column = (number | null)[];

/** What the script of the HTML report knows of the units: columns, so that 100,000 of them stay small. */
export interface PageData {
  samples: number;
  layers: { label: string; name: string; about: string }[];
  verdicts: { name: string; label: string }[];
  certainties: readonly string[];
  /** Explanations; the columns hold places in this list. */
  texts: string[];
  columns: Record<
    | 'layer'
    | 'index'
    | 'verdict'
    | 'certainty'
    | 'fired'
    | 'low'
    | 'high'
    | 'min'
    | 'mean'
    | 'max'
    | 'deviation'
    | 'positive'
    | 'slope'
    | 'bias'
    | 'norm'
    | 'cause'
    | 'remedy',
    Column
  >;
}

/** A number to six digits, which is more than the page shows and half the bytes. */
const short = (x: number | null | undefined): number | null =>
  x === null || x === undefined || !Number.isFinite(x) ? null : Number(x.toPrecision(6));

const deviation = (variance: number | null): number | null => (variance === null ? null : Math.sqrt(variance));

/** What is to be said about a unit besides its verdict and numbers. */
function explanation({ verdict, cause, preActivation, bounds, slopeKind }: UnitReport): string {
  const broken = (n: number, what: string) => (n > 0 ? [`${what} at ${plural(n, 'position')}.`] : []);
  return [
    ...(cause === null ? [] : [printable(cause)]),
    // The cause of a proved verdict states the bounds itself.
    ...(bounds === null || verdict.startsWith('proved')
      ? []
      : [`Proved to stay from ${significant(bounds.lower)} to ${significant(bounds.upper)}.`]),
    ...(slopeKind === null || slopeKind === 'leaky' || slopeKind === 'relu-like' ? [] : [`Slope: ${slopeKind}.`]),
    ...broken(preActivation?.nan ?? 0, 'NaN'),
    ...broken(preActivation?.infinite ?? 0, 'Infinite'),
  ].join(' ');
}

function aboutLayer({
  name,
  spelling,
  path,
  fedBy,
  unobservedBecause,
  unboundedBecause,
}: AuditReport['layers'][number]): string {
  const fed = fedBy === null ? 'fed by a sum' : `fed by ${fedBy.op} ${fedBy.name} (fan-in ${fedBy.fanIn})`;
  const parts = [
    name,
    spelling,
    ...(path === '' ? [] : [`in ${path}`]),
    fed,
    ...(unobservedBecause === null ? [] : [unobservedBecause]),
    ...(unboundedBecause === null ? [] : [`no proved bounds: ${unboundedBecause}`]),
  ];
  return parts.map(printable).join(' · ');
}

/** The data of the HTML report's table of units. */
export function pageData(report: AuditReport): PageData {
  const places = new Map<string, number>();
  const place = (text: string | null): number | null => {
    if (text === null || text === '') return null;
    if (!places.has(text)) places.set(text, places.size);
    return places.get(text)!;
  };
  const units = report.layers.flatMap((layer, l) => layer.units.map(unit => ({ l, unit })));
  const column = (of: (unit: UnitReport) => number | null | undefined): Column =>
    units.map(({ unit }) => short(of(unit)));
  const label = labels(
    report.layers.map(({ name }) => name),
    32,
  );
  const columns = {
    layer: units.map(({ l }) => l),
    index: column(unit => unit.index),
    verdict: column(unit => verdicts.indexOf(unit.verdict)),
    certainty: column(unit => certainties.indexOf(unit.certainty)),
    fired: column(unit => unit.firedSamples),
    low: column(unit => unit.firingRate?.low),
    high: column(unit => unit.firingRate?.high),
    min: column(unit => unit.preActivation?.min),
    mean: column(unit => unit.preActivation?.mean),
    max: column(unit => unit.preActivation?.max),
    deviation: column(({ preActivation }) => deviation(preActivation?.variance ?? null)),
    positive: column(unit => unit.preActivation?.positiveShare),
    slope: column(unit => unit.negativeSlope),
    bias: column(unit => unit.bias),
    norm: column(unit => unit.weightNorm),
    cause: units.map(({ unit }) => place(explanation(unit))),
    remedy: units.map(({ unit }) => place(unit.remedy === null ? null : printable(unit.remedy))),
  };
  return {
    samples: report.samples,
    layers: report.layers.map((layer, l) => ({
      label: label[l]!,
      name: printable(layer.name),
      about: aboutLayer(layer),
    })),
    verdicts: verdicts.map(name => ({ name, label: verdictStyles[name].label })),
    certainties,
    texts: [...places.keys()],
    columns,
  };
}
