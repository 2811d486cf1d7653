import type { Verification } from '../heal/verify.js';
import { cutMiddle, printable } from '../report/names.js';
import { bytes, count, percent, plural, si, significant } from '../report/numbers.js';
import type { PruneStepReport, StepReport } from './heal-steps.js';
import { table } from './table.js';

/** Rows and reasons beyond this are counted, not shown, unless all are asked for. */
const mostShown = 20;

const name = (text: string): string => cutMiddle(printable(text), 40);

function limited(
  rows: readonly (readonly string[])[],
  all: boolean,
): { rows: readonly (readonly string[])[]; more: string } {
  const hidden = all ? 0 : Math.max(0, rows.length - mostShown);
  return {
    rows: hidden > 0 ? rows.slice(0, mostShown) : rows,
    more: hidden > 0 ? `… and ${plural(hidden, 'more row')} (--all shows them, --json writes them)\n` : '',
  };
}

function rowsUnder(titles: readonly string[], all: readonly (readonly string[])[], showAll: boolean): string {
  if (all.length === 0) return '';
  const { rows, more } = limited(all, showAll);
  return table(titles, rows) + more;
}

/** What was left, one line for each reason with all that it holds for. */
function leftText(left: readonly { what: string; reason: string }[], all: boolean): string {
  if (left.length === 0) return '';
  const groups = new Map<string, string[]>();
  for (const { what, reason } of left) groups.set(reason, [...(groups.get(reason) ?? []), what]);
  const lines = [...groups].map(([reason, whats]) => {
    const shown = whats.slice(0, 3).map(name).join(', ');
    return `  ${shown}${whats.length > 3 ? ` and ${count(whats.length - 3)} more` : ''}: ${printable(reason)}\n`;
  });
  const hidden = all ? 0 : Math.max(0, lines.length - mostShown);
  return `Left as they are:\n${(hidden > 0 ? lines.slice(0, mostShown) : lines).join('')}${hidden > 0 ? `  … and ${plural(hidden, 'more reason')} (--all shows them)\n` : ''}`;
}

const slopeList = (dims: readonly number[]) => (dims.length === 0 ? '–' : `[${dims.join(', ')}]`);
const unitList = (units: readonly number[]) => (units.length === 1 ? `unit ${units[0]}` : plural(units.length, 'unit'));

/** What some of the units that went are dead by, besides the file: `, of which 30 proved dead in the declared range and 12 silent on 8 samples, exact on those only`. */
function groundsText({ provedUnits, unitsOnWord, samples }: PruneStepReport): string {
  const parts = [
    ...(provedUnits > 0 ? [`${count(provedUnits)} proved dead in the declared range`] : []),
    ...(unitsOnWord > 0
      ? [`${count(unitsOnWord)} silent on ${plural(samples ?? 0, 'sample')}, exact on those only`]
      : []),
  ];
  return parts.length === 0 ? '' : `, of which ${parts.join(' and ')}`;
}

/** What one repair did and what it left, as text. */
export function stepText(step: StepReport, all: boolean): string {
  switch (step.repair) {
    case 'drop-initializer-inputs': {
      const { dropped } = step.report;
      return `${dropped.length === 0 ? 'no initializers are inputs' : `${plural(dropped.length, 'initializer')} no longer ${dropped.length === 1 ? 'an input' : 'inputs'}`}\n`;
    }
    case 'flush': {
      const { flushed, subnormal, below, tensors, left } = step.report;
      const done =
        flushed === 0
          ? `no weights below ${significant(below)}`
          : `${plural(flushed, 'weight')} below ${significant(below)} set to zero in ${plural(tensors.length, 'tensor')}, ${count(subnormal)} of them subnormal`;
      return `${done}\n${leftText(
        left.map(({ name: what, reason }) => ({ what, reason })),
        all,
      )}`;
    }
    case 'prune': {
      const { layers, left, joined, nodesRemoved, flushed, negligible, inputsDropped, before, after } = step.report;
      const done = [
        `${plural(step.report.rectifiedUnits, 'rectified unit')} removed${groundsText(step.report)}, widths kept at multiples of ${step.report.align}`,
        `${count(before.parameters)} → ${count(after.parameters)} parameters`,
        ...(flushed > 0 ? [`${plural(flushed, 'tiny weight')} set to zero`] : []),
        ...(negligible > 0 ? [`the weights of ${plural(negligible, 'unit')}, lost in rounding, set to zero`] : []),
        ...(nodesRemoved.length > 0 ? [`${plural(nodesRemoved.length, 'unread node')} removed`] : []),
        ...(joined.length > 0 ? [`${plural(joined.length, 'addition')} made a concatenation`] : []),
        ...(inputsDropped.length > 0
          ? [
              `${plural(inputsDropped.length, 'initializer')} that could be fed no longer ${inputsDropped.length === 1 ? 'an input' : 'inputs'}`,
            ]
          : []),
      ];
      const rows = layers.map(({ node, op, units, inputs, folded }) => [
        name(node),
        op,
        `${units.before} → ${units.after}`,
        `${inputs.before} → ${inputs.after}`,
        folded === 0 ? '–' : String(folded),
      ]);
      return (
        `${done.join('; ')}\n${rowsUnder(['layer', 'operator', 'units', 'inputs', 'folded'], rows, all)}` +
        leftText(
          left.map(({ node, units, reason }) => ({ what: `${node} (${unitList(units)})`, reason })),
          all,
        )
      );
    }
    case 'slopes': {
      const { changed, largestChange, snap, left } = step.report;
      const rows = changed.map(each => [
        name(each.layer),
        each.spelling,
        each.becomes,
        slopeList(each.dimsBefore),
        slopeList(each.dims),
        ...(snap ? [significant(each.largestChange)] : []),
      ]);
      const done =
        changed.length === 0
          ? 'the slopes are in order'
          : `slopes of ${plural(changed.length, 'rectifier')} put in order${snap ? `, moved by ${significant(largestChange)} at most` : ''}`;
      return `${done}\n${rowsUnder(['rectifier', 'was', 'is', 'slopes were', 'slopes are', ...(snap ? ['moved by'] : [])], rows, all)}${leftText(
        left.map(({ layer: what, reason }) => ({ what, reason })),
        all,
      )}`;
    }
    case 'soften': {
      const { softened, left, negativeSlope, depth } = step.report;
      const slope =
        negativeSlope === null
          ? ''
          : ` of slope ${significant(negativeSlope, 6)}${depth === null ? '' : `, tailored to ${plural(depth, 'rectified layer')}`}`;
      const done = softened.length === 0 ? 'no ReLU softened' : `${plural(softened.length, 'ReLU')} softened${slope}`;
      const rows = softened.map(each => [name(each.layer), each.spelling, each.becomes, String(each.slopes)]);
      return `${done}\n${rowsUnder(['rectifier', 'was', 'is', 'slopes'], rows, all)}${leftText(
        left.map(({ layer: what, reason }) => ({ what, reason })),
        all,
      )}`;
    }
    case 'revive': {
      const { revived, left, samples } = step.report;
      const layers = new Set(revived.map(({ layer }) => layer));
      const done =
        revived.length === 0
          ? 'no unit revived'
          : `${plural(revived.length, 'dead unit')} in ${plural(layers.size, 'layer')} given fresh weights${samples > 0 ? `, fitted to ${plural(samples, 'sample')}` : ''}`;
      const rows = [...layers].map(layer => {
        const own = revived.filter(each => each.layer === layer);
        const rates = own.flatMap(({ firingRate }) => (firingRate === null ? [] : [firingRate]));
        const silent = own.filter(({ certainty }) => certainty === 'sample').length;
        return [
          name(layer),
          String(own.length),
          String(own.length - silent),
          String(own.filter(({ constant }) => constant !== 0).length),
          rates.length === 0 ? '–' : `${percent(Math.min(...rates))} … ${percent(Math.max(...rates))}`,
        ];
      });
      const reasons = leftText(
        left.map(({ layer, unit, reason }) => ({ what: `${layer} ${unit}`, reason })),
        all,
      );
      return `${done}\n${rowsUnder(['rectifier', 'revived', 'exactly', 'with a constant', 'fire on'], rows, all)}${reasons}`;
    }
  }
}

const change = (before: number, after: number): string =>
  before === after || before === 0 ? '' : ` (${after < before ? '−' : '+'}${percent(Math.abs(1 - after / before))})`;

/** The largest difference that keeps the promise: one number where it is the same for all outputs. */
function limitText({ outputs, promise }: Verification): string {
  if (promise.kind === 'report') return 'none';
  if (promise.kind === 'bit-equal') return 'equal to the bit';
  const limits = [...new Set(outputs.map(({ limit }) => significant(limit ?? 0)))];
  return `relative ${limits.length === 1 ? limits[0] : outputs.map(({ name: output, limit }) => `${significant(limit ?? 0)} (${name(output)})`).join(', ')}`;
}

/** How the healed model compares with the original, as text. */
export function verificationText(found: Verification): string {
  const { bytes: size, parameters, multiplyAdds, time, sameTopClass } = found;
  const fused = Math.max(0, ...found.optimized.map(({ maxRelative }) => maxRelative));
  const rows: [string, string][] = [
    ['samples', found.data],
    [
      'largest difference',
      `${significant(found.maxAbsolute)}, relative ${significant(found.maxRelative)}${found.bitEqual ? ' (equal to the bit)' : ''}`,
    ],
    [
      'with fusions',
      `relative ${significant(fused)}${found.optimized.every(({ bitEqual }) => bitEqual) ? ' (equal to the bit)' : ''}`,
    ],
    ['limit', limitText(found)],
    ['rounding alone', `relative ${significant(found.rounding)}: the original with fusions and without`],
    ...(sameTopClass === null ? [] : [['same top class', percent(sameTopClass)] as [string, string]]),
    ['size', `${bytes(size.before)} → ${bytes(size.after)}${change(size.before, size.after)}`],
    [
      'parameters',
      `${count(parameters.before)} → ${count(parameters.after)}${change(parameters.before, parameters.after)}`,
    ],
    ...(multiplyAdds
      ? [
          [
            'multiply-adds',
            `${si(multiplyAdds.before)} → ${si(multiplyAdds.after)}${change(multiplyAdds.before, multiplyAdds.after)}`,
          ] as [string, string],
        ]
      : []),
    ...(time
      ? [
          [
            'time',
            `${significant(time.before)} → ${significant(time.after)} ms, ${significant(time.ratio)} times as fast (middle half ${significant(time.ratioLow)} … ${significant(time.ratioHigh)}, ${plural(time.rounds, 'round')})`,
          ] as [string, string],
        ]
      : []),
  ];
  const width = Math.max(...rows.map(([title]) => title.length)) + 2;
  return `${rows.map(([title, text]) => `${title.padEnd(width)}${text}\n`).join('')}`;
}
