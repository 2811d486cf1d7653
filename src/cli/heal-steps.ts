import { dissect } from '../audit/anatomy.js';
import { type AuditData, audit } from '../audit/audit.js';
import { type InputRanges, rangesOf } from '../audit/prove/box.js';
import { silentUnits } from '../heal/dead-units.js';
import { type DropReport, dropInitializerInputs, type FlushReport, flushTiny } from '../heal/flush.js';
import { exactButRounding, type RepairPromise } from '../heal/promise.js';
import { prune } from '../heal/prune/prune.js';
import type { PruneReport } from '../heal/prune/report.js';
import { type ReviveReport, revive } from '../heal/revive.js';
import { canonicalSlopes, type SlopesReport } from '../heal/slopes.js';
import type { Snap } from '../heal/snap.js';
import { type SoftenOptions, type SoftenReport, soften } from '../heal/soften.js';
import type { Model } from '../onnx/model.js';
import type { SessionOptions } from '../onnx/runtime.js';
import type { InputSpec } from '../onnx/tensor-data.js';

/** The repairs that are asked for. */
export interface HealFlags {
  readonly dropInitializerInputs?: boolean;
  readonly flush?: boolean;
  readonly prune?: boolean;
  readonly align?: number;
  /** What the inputs may be, for proofs. */
  readonly ranges?: InputRanges;
  readonly silent?: boolean;
  readonly slopes?: Snap | true;
  readonly soften?: Pick<SoftenOptions, 'to' | 'negativeSlope'>;
  /** Rectified layers for a tailored slope, in place of the model's own. */
  readonly depth?: number;
  readonly shared?: boolean;
  readonly revive?: boolean;
  /** Largest difference, relative to the largest value of an output, of repairs that are exact but for rounding; left out, what passes for rounding. */
  readonly tolerance?: number;
  readonly seed: number;
}

/** What a prune did. `samples`: on how many the units on the caller's word were silent; null without `--silent`. */
export type PruneStepReport = PruneReport & { readonly samples: number | null };

/** What a repair did, by the name of its flag. */
export type StepReport =
  | { readonly repair: 'drop-initializer-inputs'; readonly report: DropReport }
  | { readonly repair: 'flush'; readonly report: FlushReport }
  | { readonly repair: 'prune'; readonly report: PruneStepReport }
  | { readonly repair: 'slopes'; readonly report: SlopesReport }
  | { readonly repair: 'soften'; readonly report: SoftenReport }
  | { readonly repair: 'revive'; readonly report: ReviveReport };

/** One repair that was carried out on a model. */
export type Step = StepReport & {
  readonly model: Model;
  /** Whether it did anything. */
  readonly changed: boolean;
  readonly promise: RepairPromise;
};

type Repair = (model: Model) => Promise<Step> | Step;

/** The repairs that the flags ask for, in the order in which they are carried out: what makes the model smaller first, what adds to it last. */
export function repairsOf(
  flags: HealFlags,
  data: AuditData | null,
  inputs: readonly InputSpec[],
  session: SessionOptions,
): Repair[] {
  const { ranges, soften: softening, tolerance, align } = flags;
  const rounded = exactButRounding(tolerance);
  // A unit that is proved dead may fire for inputs outside of the ranges.
  const within = (promise: RepairPromise): RepairPromise =>
    ranges ? { ...promise, inputs: rangesOf(inputs, ranges) } : promise;
  const proof = { inputs, ...(ranges && { ranges }) };
  const repairs: (Repair | false | undefined)[] = [
    flags.dropInitializerInputs &&
      (model => {
        const { model: healed, report } = dropInitializerInputs(model);
        const changed = report.dropped.length > 0;
        return { repair: 'drop-initializer-inputs', report, model: healed, changed, promise: { kind: 'bit-equal' } };
      }),
    flags.flush &&
      (model => {
        const { model: healed, report } = flushTiny(model);
        return { repair: 'flush', report, model: healed, changed: report.flushed > 0, promise: rounded };
      }),
    flags.prune &&
      (async model => {
        const found = flags.silent && data ? await audit(model, data, session) : null;
        const constants = found ? silentUnits(dissect(model).layers, found) : new Map();
        const options = { ...session, ...proof, constants, ...(align !== undefined && { align }) };
        const { model: healed, report } = await prune(model, options);
        const { layers, nodesRemoved, flushed, negligible } = report;
        const changed = layers.length + nodesRemoved.length + flushed + negligible > 0;
        const samples = found?.samples ?? null;
        return { repair: 'prune', report: { ...report, samples }, model: healed, changed, promise: within(rounded) };
      }),
    flags.slopes !== undefined &&
      (model => {
        const snap = flags.slopes === true ? undefined : flags.slopes;
        const { model: healed, report } = canonicalSlopes(model, {
          share: flags.shared ?? false,
          ...(snap && { snap }),
        });
        const promise: RepairPromise = report.largestChange > 0 ? { kind: 'report' } : rounded;
        return { repair: 'slopes', report, model: healed, changed: report.changed.length > 0, promise };
      }),
    softening &&
      (model => {
        const depth = flags.depth === undefined ? {} : { depth: flags.depth };
        const { model: healed, report } = soften(model, { ...softening, ...depth, perChannel: !flags.shared });
        const promise: RepairPromise = { kind: report.negativeSlope === 0 ? 'bit-equal' : 'report' };
        return { repair: 'soften', report, model: healed, changed: report.softened.length > 0, promise };
      }),
    flags.revive &&
      (async model => {
        const { model: healed, report } = await revive(model, { data, seed: flags.seed, ...proof, ...session });
        const promise = within(report.folded ? rounded : { kind: 'bit-equal' });
        return { repair: 'revive', report, model: healed, changed: report.revived.length > 0, promise };
      }),
  ];
  return repairs.filter((each): each is Repair => Boolean(each));
}
