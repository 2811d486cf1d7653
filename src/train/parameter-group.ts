import { finite } from '../rectifiers/parameters.js';
import { checkConstraint, type SlopeConstraint } from '../rectifiers/slope-constraint.js';
import type { Optimizer } from './optimizer.js';
import type { ParameterKind } from './parameters.js';

/** How the parameters of one kind are trained. */
export interface ParameterGroup {
  /** Whether they are trained at all (default true). */
  readonly train?: boolean | undefined;
  /** What the learning rate is multiplied by (default 1). */
  readonly rateFactor?: number | undefined;
  /** λ of weight decay (default 0, but 0.01 for the weights under AdamW, which is Adam without). */
  readonly weightDecay?: number | undefined;
}

/** Slopes may be held, too. */
export interface SlopeGroup extends ParameterGroup {
  /** What holds the slopes (default nothing). */
  readonly constraint?: SlopeConstraint | undefined;
}

/** A group for each kind of parameter. Weight decay never touches slopes unless asked for: those that decay become ReLU (He et al. 2015, section 2.1). */
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

const kinds: readonly ParameterKind[] = ['weight', 'bias', 'scale', 'shift', 'slope'];
const fields: readonly (keyof SlopeGroup)[] = ['train', 'rateFactor', 'weightDecay', 'constraint'];

/** The groups, once each is of a kind of parameter and says what a group can say, whether the model has such or not. Throws a RangeError otherwise. */
export function checkGroups(groups: ParameterGroups): ParameterGroups {
  const known = (what: string, names: readonly string[], given: object = {}) => {
    const other = Object.keys(given).find(name => !names.includes(name));
    if (other !== undefined) throw new RangeError(`train: ${what} must be of ${names.join(', ')}, got '${other}'`);
  };
  known('groups', kinds, groups);
  for (const kind of kinds) {
    known(`groups.${kind}`, kind === 'slope' ? fields : fields.slice(0, -1), groups[kind]);
    groupOf(groups, kind, 'sgd');
  }
  return groups;
}

/** The group of a kind with its defaults. Throws a RangeError for factors and decays below 0 and for constraints that are none. */
export function groupOf(groups: ParameterGroups, kind: ParameterKind, optimizer: Optimizer['kind']): CheckedGroup {
  const {
    train = true,
    rateFactor = 1,
    weightDecay = optimizer === 'adamw' && kind === 'weight' ? 0.01 : 0,
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
