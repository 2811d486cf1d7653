import { type Anatomy, dissect, type Flow, flowWith, type RectifiedLayer, withProved } from '../audit/anatomy.js';
import { type AuditData, audit } from '../audit/audit.js';
import { inWords } from '../audit/cause.js';
import type { InputRanges } from '../audit/prove/box.js';
import type { AuditReport, Certainty, UnitReport, Verdict } from '../audit/report.js';
import { Failure } from '../failure.js';
import { copyModel, type Model } from '../onnx/model.js';
import type { SessionOptions } from '../onnx/runtime.js';
import type { InputSpec } from '../onnx/tensor-data.js';
import type { DeadUnit } from './dead-unit.js';
import { provedUnits, silentUnits } from './dead-units.js';
import { leastFiring, mostFiring } from './firing-cut.js';
import { giveWeights } from './give-weights.js';
import { incoming } from './incoming.js';
import { outgoing } from './outgoing.js';
import type { Repaired } from './repaired.js';

export interface ReviveOptions extends Omit<SessionOptions, 'graphOptimizationLevel'> {
  /** Samples: they show the silent units, and fresh weights are fitted to them. Without them only units that the file alone shows to be dead are revived. */
  readonly data?: AuditData | null;
  /** What the inputs may be: units that no such input lets fire are revived too (docs/proofs.md), and the outputs stay for such inputs. */
  readonly ranges?: InputRanges;
  /** Inputs with free dimensions fixed, for `ranges`; by default what the model declares, with a batch of one. */
  readonly inputs?: readonly InputSpec[];
  /** Seed of the fresh weights (default 0). */
  readonly seed?: number;
  /** Units to revive, by the names of their layers as the audit gives them; all dead ones by default. */
  readonly units?: Readonly<Record<string, readonly number[]>>;
}

/** One unit that was revived. */
export interface RevivedUnit {
  readonly layer: string;
  readonly unit: number;
  /** What the audit said of it, and how surely: for a silent unit the output is unchanged on the data seen. */
  readonly verdict: Verdict;
  readonly certainty: Certainty;
  /** What the unit gave before; other than 0 it was folded into the biases of the layers that read it. Null where it differs by position. */
  readonly constant: number | null;
  /** Share of positions on which its pre-activation is above the rectifier's threshold, over the data; null without data. */
  readonly firingRate: number | null;
  /** Variance of its pre-activation over the data; null without. */
  readonly variance: number | null;
}

/** What was revived and what was not. Plain JSON data. */
export interface ReviveReport {
  readonly seed: number;
  /** Samples on which the fresh weights were fitted and the firing rates measured. */
  readonly samples: number;
  readonly revived: readonly RevivedUnit[];
  readonly left: readonly { layer: string; unit: number; reason: string }[];
  /** Whether a constant other than 0 was folded into biases: the outputs then stay the same to rounding, else to the bit. */
  readonly folded: boolean;
}

/** Throws a Failure where the wanted units are not all there. */
function checkWanted(wanted: NonNullable<ReviveOptions['units']>, { layers }: AuditReport): void {
  for (const [name, list] of Object.entries(wanted)) {
    const layer = layers.find(each => each.name === name);
    if (!layer) throw new Failure('usage', `revive: units must name rectifiers of the model, got '${name}'`);
    const unknown = list.find(unit => !layer.units[unit]);
    if (unknown !== undefined)
      throw new Failure('usage', `revive: units of '${name}' must be 0 to ${layer.units.length - 1}, got ${unknown}`);
  }
}

/** Why units are left. */
type Reasons = Map<UnitReport, string>;

/** The dead units that can be cut off and given fresh weights. `onData` is the flow in which silent units are constant too. */
function deadUnits(
  anatomy: Anatomy,
  onData: Flow,
  { layers, samples }: AuditReport,
  wanted: ReviveOptions['units'],
  reasons: Reasons,
): DeadUnit[] {
  return layers.flatMap((layer, at) => {
    const rectified = anatomy.layers[at] as RectifiedLayer;
    const value = rectified.rectifier.output;
    const into = layer.units.some(({ dead }) => dead) ? incoming(anatomy, rectified) : '';
    const isWanted = ({ index, dead }: UnitReport) =>
      wanted ? Object.hasOwn(wanted, layer.name) && wanted[layer.name]?.includes(index) : dead;
    return layer.units.filter(isWanted).flatMap((found): DeadUnit[] => {
      const leave = (reason: string) => {
        reasons.set(found, reason);
        return [];
      };
      if (!found.dead) return leave(samples > 0 ? 'it is not dead' : 'nothing shows it to be dead without data');
      if (typeof into === 'string') return leave(into);
      const start = { value, channel: found.index };
      const surely = found.verdict === 'silent' ? null : outgoing(anatomy, anatomy, start);
      // What only the data show to be constant may lie on the way.
      const out =
        surely === null || (typeof surely === 'string' && onData !== anatomy)
          ? outgoing(anatomy, onData, start)
          : surely;
      if (typeof out === 'string') return leave(out);
      if (out.readers.length === 0) return leave('no layer with weights reads it');
      const known = onData.known.get(value);
      const level = typeof known === 'object' ? (known.level[found.index] as number) : 0;
      return [
        {
          layer: at,
          unit: found.index,
          found,
          into,
          out,
          certainty: out === surely ? found.certainty : 'sample',
          level,
        },
      ];
    });
  });
}

/** Leaves out units behind which another one stays dead: no gradient would reach them. */
function withoutBlocked(
  units: readonly DeadUnit[],
  anatomy: Anatomy,
  report: AuditReport,
  reasons: Reasons,
): readonly DeadUnit[] {
  const outputs = new Map(anatomy.layers.map(({ rectifier }, at) => [rectifier.output, at]));
  const alive = new Set(units.map(({ found }) => found));
  const kept = units.filter(({ layer, found, out }) => {
    for (const { value, channel } of out.through) {
      const at = outputs.get(value);
      const behind = at === undefined || at === layer ? undefined : report.layers[at]?.units[channel];
      if (!behind?.dead || alive.has(behind)) continue;
      reasons.set(found, `unit ${channel} of '${report.layers[at as number]?.name}' behind it stays dead`);
      return false;
    }
    return true;
  });
  return kept.length === units.length ? units : withoutBlocked(kept, anatomy, report, reasons);
}

/** The units that do not fire on between 10 % and 90 % of their positions, and why. */
function misfiring(units: readonly DeadUnit[], after: AuditReport): Reasons {
  const failed: Reasons = new Map();
  for (const { layer, unit, found } of units) {
    const rate = after.layers[layer]?.units[unit]?.preActivation?.positiveShare ?? null;
    if (rate === null) failed.set(found, 'its firing cannot be measured on the data');
    else if (rate < leastFiring || rate > mostFiring)
      failed.set(found, `with fresh weights it would fire on ${inWords(100 * rate)} % of its positions`);
  }
  return failed;
}

/**
 * Gives dead units a new start: fresh incoming weights (He's normal distribution with the gain of the layer's rectifier), outgoing weights of 0, and what
 * the unit contributed so far, if it was not 0, folded into the biases of the layers that read it. The outputs stay as they are: to the bit where nothing was folded, to rounding elsewhere, and for units
 * that were merely silent on the data seen. With data the fresh pre-activation gets the variance of the layer's typical unit and an offset with which it is above the
 * threshold on about half of the positions, and on 10 % to 90 % of them in any case; without, inputs of second moment 1 are assumed. In the first step of training the outgoing weights have a
 * gradient and the incoming ones have none; from the second on both have. Units that cannot be cut off without a change are left, with the reason. Throws a Failure for units that
 * the model does not have, `ranges` that do not fit its inputs, and data that leave them.
 *
 * @example
 * import { revive } from 'reluminate/heal';
 * import { floatTensor, graph, modelProto, node, valueInfo } from 'reluminate/onnx';
 * const main = graph({
 *   nodes: [node('Gemm', ['x', 'w', 'b'], ['z']), node('Relu', ['z'], ['h']), node('Gemm', ['h', 'v'], ['y'])],
 *   inputs: [valueInfo('x', ['N', 2])],
 *   outputs: [valueInfo('y')],
 *   initializers: [
 *     floatTensor('w', [2, 2], [1, 0, -1, 0]), floatTensor('b', [2], [0, 3]), floatTensor('v', [2, 1], [1, 0.5]),
 *   ],
 * });
 * const { model, report } = await revive({ proto: modelProto(main), external: new Map(), name: 'm', bytes: 0 });
 * report.revived.map(({ layer, unit, verdict, constant }) => [layer, unit, verdict, constant]); // => [["h", 1, "vanished", 3]]
 * report.folded; // => true
 */
export async function revive(
  original: Model,
  { data = null, ranges, inputs, seed = 0, units: wanted, ...session }: ReviveOptions = {},
): Promise<Repaired<ReviveReport>> {
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new Failure('usage', `revive: seed must be a whole number from 0 up, got ${seed}`);
  const file = dissect(original);
  const report = await audit(original, data, {
    ...session,
    ...(inputs && { inputs }),
    ...(ranges && { prove: { ranges } }),
  });
  const outside = report.findings.find(({ code }) => code === 'outside-input-range');
  if (outside)
    throw new Failure(
      'input',
      `revive: the data must lie in the ranges, got some that leave them at '${outside.where[0]}'`,
    );
  if (wanted) checkWanted(wanted, report);
  const anatomy = withProved(file, provedUnits(file.layers, report));
  const silent = silentUnits(anatomy.layers, report);
  const onData: Flow = silent.size > 0 ? flowWith(anatomy, silent) : anatomy;
  const reasons: Reasons = new Map();
  const unblocked = (some: readonly DeadUnit[]) => withoutBlocked(some, anatomy, report, reasons);
  let units = unblocked(deadUnits(anatomy, onData, report, wanted, reasons));
  let model = original;
  let after: AuditReport | null = null;
  /** Units whose living inputs hardly vary on the data, so that they are given weights of revived ones too. */
  const wide = new Set<UnitReport>();
  // Each round widens or leaves out at least one unit, or is the last.
  while (units.length > 0) {
    const tried = await giveWeights(anatomy, report, units, wide, data, seed, session);
    after = data && tried.failed.size === 0 ? await audit(tried.model, data, { ...session, statistics: 'all' }) : null;
    const failed = after ? misfiring(units, after) : tried.failed;
    model = tried.model;
    if (failed.size === 0) break;
    const gone = new Set<UnitReport>();
    for (const [found, reason] of failed) {
      if (wide.has(found)) {
        reasons.set(found, reason);
        gone.add(found);
      }
      wide.add(found);
    }
    units = unblocked(units.filter(({ found }) => !gone.has(found)));
  }
  return {
    model: units.length === 0 ? copyModel(original) : model,
    report: {
      seed,
      samples: data ? report.samples : 0,
      revived: units.map(({ layer, unit, found, certainty, level }) => {
        const measured = after?.layers[layer]?.units[unit]?.preActivation;
        return {
          layer: report.layers[layer]?.name as string,
          unit,
          verdict: found.verdict,
          certainty,
          constant: Number.isFinite(level) ? level : null,
          firingRate: measured?.positiveShare ?? null,
          variance: measured?.variance ?? null,
        };
      }),
      left: report.layers.flatMap(({ name, units: all }) =>
        all.flatMap(found => {
          const reason = reasons.get(found);
          return reason === undefined ? [] : [{ layer: name, unit: found.index, reason }];
        }),
      ),
      folded: units.some(({ out }) => out.readers.some(({ level }) => level !== 0)),
    },
  };
}
