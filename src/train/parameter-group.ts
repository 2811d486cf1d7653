import { finite } from '../rectifiers/parameters.js';
import { checkConstraint, type SlopeConstraint } from '../rectifiers/slope-constraint.js';
import type { ParameterKind } from './parameters.js';

/** How the parameters of one kind are trained. */
export interface ParameterGroup {
  /** Whether they are trained at all (default true). */
  readonly train?: boolean | undefined;
  /** What the learning rate is multiplied by (default 1). */
  readonly rateFactor?: number | undefined;
  /** λ of weight decay (default 0). */
  readonly weightDecay?: number | undefined;
}

/** Slopes may be held, too. */
export interface SlopeGroup extends ParameterGroup {
  /** What holds the slopes (default nothing). */
  readonly constraint?: SlopeConstraint | undefined;
}

/** A group for each kind of parameter. Weight decay is 0 for all unless asked for: slopes that decay become ReLU (He et al. 2015, section 2.1). */
export interface ParameterGroups {
  readonly weight?: ParameterGroup | undefined;
  readonly bias?: ParameterGroup | undefined;
  readonly scale?: ParameterGroup | undefined;
  readonly shift?: ParameterGroup | undefined;
  readonly slope?: SlopeGroup | undefined;
}

/** A group with its defaults. */
export interface CheckedGroup {
  readonly train: boolean;
  readonly rateFactor: number;
  readonly weightDecay: number;
  readonly constraint: SlopeConstraint;
}

/** The group of a kind with its defaults. Throws a RangeError for factors and decays below 0 and for constraints that are none. */
export function groupOf(groups: ParameterGroups, kind: ParameterKind): CheckedGroup {
  const {
    train = true,
    rateFactor = 1,
    weightDecay = 0,
    constraint = { kind: 'none' },
  }: SlopeGroup = groups[kind] ?? {};
  const atLeast0 = (name: string, value: number) => {
    if (finite('train', `${name} of ${kind}s`, value) < 0)
      throw new RangeError(`train: ${name} of ${kind}s must be at least 0, got ${value}`);
  };
  atLeast0('rateFactor', rateFactor);
  atLeast0('weightDecay', weightDecay);
  return { train, rateFactor, weightDecay, constraint: checkConstraint('train', constraint) };
}
