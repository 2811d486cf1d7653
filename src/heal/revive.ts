import { dissect, type Flow, flowWith, type RectifiedLayer } from '../audit/anatomy.js';
import { type AuditData, audit } from '../audit/audit.js';
import { inWords } from '../audit/cause.js';
import type { AuditReport, Certainty, Verdict } from '../audit/report.js';
import { Failure } from '../failure.js';
import { copyModel, type Model } from '../onnx/model.js';
import type { SessionOptions } from '../onnx/runtime.js';
import { type DeadUnit, idOf } from './dead-unit.js';
import { leastFiring, mostFiring } from './firing-cut.js';
import { giveWeights } from './give-weights.js';
import { incoming } from './incoming.js';
import { outgoing } from './outgoing.js';
import type { Repaired } from './repaired.js';
import { silentUnits } from './silent-units.js';

export interface ReviveOptions extends Omit<SessionOptions, 'optimize'> {
  /** Samples: they show the silent units, and fresh weights are fitted to them. Without them only units that the file alone shows to be dead are revived. */
  readonly data?: AuditData | null;
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

/**
 * Gives dead units a new start: fresh incoming weights (He's normal distribution with the gain of the layer's rectifier), outgoing weights of 0, and what
 * the unit contributed so far, if it was not 0, folded into the biases of the layers that read it. The outputs stay as they are: to the bit where nothing was folded, to rounding elsewhere, and for units
 * that were merely silent on the data seen. With data the fresh pre-activation gets the variance of the layer's typical unit and an offset with which it is above the
 * threshold on about half of the positions, and on 10 % to 90 % of them in any case; without, inputs of second moment 1 are assumed. In the first step of training the outgoing weights have a
 * gradient and the incoming ones have none; from the second on both have. Units that cannot be cut off without a change are left, with the reason. Throws a Failure for units that
 * the model does not have.
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
  { data = null, seed = 0, units: wanted, ...session }: ReviveOptions = {},
): Promise<Repaired<ReviveReport>> {
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new Failure('usage', `revive: seed must be a whole number from 0 up, got ${seed}`);
  const anatomy = dissect(original);
  const report = await audit(original, data, session);
  for (const [name, list] of Object.entries(wanted ?? {})) {
    const layer = report.layers.find(each => each.name === name);
    if (!layer) throw new Failure('usage', `revive: units must name rectifiers of the model, got '${name}'`);
    const unknown = list.find(unit => !layer.units[unit]);
    if (unknown !== undefined)
      throw new Failure('usage', `revive: units of '${name}' must be 0 to ${layer.units.length - 1}, got ${unknown}`);
  }
  const silent = silentUnits(anatomy.layers, report);
  const flow: Flow = silent.size > 0 ? flowWith(anatomy, silent) : anatomy;
  const reasons = new Map<string, string>();
  const candidates: DeadUnit[] = [];
  report.layers.forEach((layer, at) => {
    const rectified = anatomy.layers[at] as RectifiedLayer;
    const into = layer.units.some(({ dead }) => dead) ? incoming(anatomy, rectified) : '';
    for (const found of layer.units) {
      const { index: unit, dead } = found;
      const isWanted = wanted ? Object.hasOwn(wanted, layer.name) && wanted[layer.name]?.includes(unit) : dead;
      if (!isWanted) continue;
      const id = idOf(at, unit);
      const value = rectified.rectifier.output;
      if (!dead) reasons.set(id, data ? 'it is not dead' : 'nothing shows it to be dead without data');
      else if (typeof into === 'string') reasons.set(id, into);
      else {
        const start = { value, channel: unit };
        const proved = found.verdict === 'silent' ? null : outgoing(anatomy, anatomy, start);
        // What only the data show to be constant may lie on the way.
        const out =
          proved === null || (typeof proved === 'string' && flow !== anatomy) ? outgoing(anatomy, flow, start) : proved;
        const known = flow.known.get(value);
        if (typeof out === 'string') reasons.set(id, out);
        else if (out.readers.length === 0) reasons.set(id, 'no layer with weights reads it');
        else
          candidates.push({
            layer: at,
            unit,
            found,
            into,
            out,
            certainty: out === proved ? found.certainty : 'sample',
            level: typeof known === 'object' ? (known.level[unit] as number) : 0,
          });
      }
    }
  });

  const outputs = new Map(anatomy.layers.map(({ rectifier }, at) => [rectifier.output, at]));
  /** Leaves out units behind which another one stays dead: no gradient would reach them. */
  const withoutBlocked = (units: readonly DeadUnit[]): readonly DeadUnit[] => {
    const alive = new Set(units.map(({ layer, unit }) => idOf(layer, unit)));
    const kept = units.filter(({ layer, unit, out }) => {
      const blocking = out.through.find(({ value, channel }) => {
        const at = outputs.get(value);
        const behind = at === undefined || at === layer ? undefined : report.layers[at]?.units[channel];
        return behind?.dead && !alive.has(idOf(at as number, channel));
      });
      if (blocking)
        reasons.set(
          idOf(layer, unit),
          `unit ${blocking.channel} of '${report.layers[outputs.get(blocking.value) as number]?.name}' behind it stays dead`,
        );
      return !blocking;
    });
    return kept.length === units.length ? units : withoutBlocked(kept);
  };

  let units = withoutBlocked(candidates);
  let model = original;
  let after: AuditReport | null = null;
  /** Units whose living inputs hardly vary on the data, so that they are given weights of revived ones too. */
  const wide = new Set<string>();
  // Each round widens or leaves out at least one unit, or is the last.
  while (units.length > 0) {
    const tried = await giveWeights(anatomy, report, units, wide, data, seed, session);
    const failed = new Map(tried.failed);
    after = data && failed.size === 0 ? await audit(tried.model, data, { ...session, statistics: 'all' }) : null;
    for (const { layer, unit } of after ? units : []) {
      const rate = after?.layers[layer]?.units[unit]?.preActivation?.positiveShare ?? null;
      if (rate === null) failed.set(idOf(layer, unit), 'its firing cannot be measured on the data');
      else if (rate < leastFiring || rate > mostFiring)
        failed.set(idOf(layer, unit), `with fresh weights it would fire on ${inWords(100 * rate)} % of its positions`);
    }
    model = tried.model;
    if (failed.size === 0) break;
    for (const [id, reason] of failed) {
      if (!wide.has(id)) {
        wide.add(id);
        failed.delete(id);
      } else reasons.set(id, reason);
    }
    units = withoutBlocked(units.filter(({ layer, unit }) => !failed.has(idOf(layer, unit))));
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
      left: [...reasons].map(([id, reason]) => {
        const [layer, unit] = id.split(' ').map(Number) as [number, number];
        return { layer: report.layers[layer]?.name as string, unit, reason };
      }),
      folded: units.some(({ out }) => out.readers.some(({ level }) => level !== 0)),
    },
  };
}
