import { describe } from './floats.js';
import { logistic } from './logistic.js';
import { finite } from './parameters.js';
import { softplus, softplusInverse } from './softplus.js';

/**
 * What holds a learned slope a. `'none'`: nothing. `'projection'`: after each step it is clamped to [lower, upper] (either may be left
 * out). `'softplus'`: a = ln(1 + exp(p)), above 0. `'sigmoid'`: a = lower + (upper - lower) σ(p), between the two. In the last
 * two p is what is learned.
 */
export type SlopeConstraint =
  | { readonly kind: 'none' }
  | { readonly kind: 'projection'; readonly lower?: number; readonly upper?: number }
  | { readonly kind: 'softplus' }
  | { readonly kind: 'sigmoid'; readonly lower: number; readonly upper: number };

/** The constraint, once it is one: `kind` known, bounds finite and in order. */
export function checkConstraint(operation: string, constraint: SlopeConstraint): SlopeConstraint {
  const kind = (constraint as SlopeConstraint | null | undefined)?.kind;
  if (kind === 'none' || kind === 'softplus') return { kind };
  if (kind !== 'projection' && kind !== 'sigmoid')
    throw new RangeError(
      `${operation}: constraint.kind must be 'none', 'projection', 'softplus' or 'sigmoid', got ${describe(kind)}`,
    );
  const other = Object.keys(constraint).find(key => !['kind', 'lower', 'upper'].includes(key));
  if (other !== undefined) throw new TypeError(`${operation}: constraint must give kind, lower or upper, got ${other}`);
  const { lower, upper } = constraint as { lower?: number; upper?: number };
  if (lower !== undefined || kind === 'sigmoid') finite(operation, 'constraint.lower', lower as number);
  if (upper !== undefined || kind === 'sigmoid') finite(operation, 'constraint.upper', upper as number);
  if (lower !== undefined && upper !== undefined && !(kind === 'sigmoid' ? lower < upper : lower <= upper))
    throw new RangeError(
      `${operation}: constraint.lower must be ${kind === 'sigmoid' ? 'less than' : 'at most'} upper, got lower ${lower} and upper ${upper}`,
    );
  return {
    kind,
    ...(lower === undefined ? {} : { lower }),
    ...(upper === undefined ? {} : { upper }),
  } as SlopeConstraint;
}

/** The bounds of a projection, those left out infinite. */
const boundsOf = ({
  lower = Number.NEGATIVE_INFINITY,
  upper = Number.POSITIVE_INFINITY,
}: {
  lower?: number;
  upper?: number;
}) => [lower, upper] as const;

/** `slopeFromParameter` for a constraint that has been checked. */
export function slopeUnder(constraint: SlopeConstraint, parameter: number): number {
  switch (constraint.kind) {
    case 'none':
      return parameter;
    case 'projection': {
      const [lower, upper] = boundsOf(constraint);
      return Math.min(Math.max(parameter, lower), upper);
    }
    case 'softplus':
      return softplus(parameter);
    case 'sigmoid':
      return constraint.lower + (constraint.upper - constraint.lower) * logistic(parameter);
  }
}

/**
 * The parameter after a step, held where the constraint holds: clamped for `'projection'`; for `'softplus'` and `'sigmoid'` no farther
 * out than where float64 still tells the slope from its bounds (some 2^-50 of them away), so that it never comes to lie on one.
 */
export function heldParameter(constraint: SlopeConstraint, parameter: number): number {
  if (constraint.kind === 'none') return parameter;
  if (constraint.kind === 'projection') return slopeUnder(constraint, parameter);
  if (constraint.kind === 'softplus') return Math.max(parameter, -50 * Math.LN2);
  const { lower, upper } = constraint;
  const room = Math.log((upper - lower) / Math.max(Math.abs(lower), Math.abs(upper)));
  const reach = Math.max(0, room + 50 * Math.LN2);
  return Math.min(Math.max(parameter, -reach), reach);
}

/**
 * The slope a that a learned parameter p stands for; clamped for `'projection'`. Throws a RangeError for a parameter that is not finite and a
 * constraint that is none.
 *
 * @example
 * import { slopeFromParameter } from 'reluminate';
 * slopeFromParameter(2, { kind: 'projection', lower: 0, upper: 1 }); // => 1
 * slopeFromParameter(0, { kind: 'sigmoid', lower: 0, upper: 0.5 }); // => 0.25
 */
export const slopeFromParameter = (parameter: number, constraint: SlopeConstraint): number =>
  slopeUnder(checkConstraint('slopeFromParameter', constraint), finite('slopeFromParameter', 'parameter', parameter));

/** `parameterFromSlope` for a constraint that has been checked, the operation and what it calls the slope. */
export function parameterUnder(
  constraint: SlopeConstraint,
  slope: number,
  operation = 'parameterFromSlope',
  name = 'slope',
): number {
  finite(operation, name, slope);
  const refuse = (allowed: string) => {
    throw new RangeError(`${operation}: ${name} must be ${allowed} for constraint '${constraint.kind}', got ${slope}`);
  };
  switch (constraint.kind) {
    case 'none':
      return slope;
    case 'projection': {
      const [lower, upper] = boundsOf(constraint);
      return slope >= lower && slope <= upper ? slope : refuse(`from ${lower} to ${upper}`);
    }
    case 'softplus':
      return slope > 0 ? softplusInverse(slope) : refuse('greater than 0');
    case 'sigmoid': {
      const { lower, upper } = constraint;
      return slope > lower && slope < upper
        ? Math.log((slope - lower) / (upper - slope))
        : refuse(`between ${lower} and ${upper}, both excluded,`);
    }
  }
}

/**
 * The parameter p that stands for a slope a. Throws a RangeError for a slope the constraint does not allow.
 *
 * @example
 * import { parameterFromSlope } from 'reluminate';
 * parameterFromSlope(0.25, { kind: 'sigmoid', lower: 0, upper: 0.5 }); // => 0
 */
export const parameterFromSlope = (slope: number, constraint: SlopeConstraint): number =>
  parameterUnder(checkConstraint('parameterFromSlope', constraint), slope);

/** `slopeByParameter` for a constraint that has been checked. */
export function slopeByParameterUnder(constraint: SlopeConstraint, parameter: number): number {
  switch (constraint.kind) {
    case 'none':
    case 'projection':
      return 1;
    case 'softplus':
      return logistic(parameter);
    case 'sigmoid':
      return (constraint.upper - constraint.lower) * logistic(parameter) * logistic(-parameter);
  }
}

/**
 * The chain rule's factor da/dp, by which the slope's gradient is multiplied to get the parameter's: 1 without
 * reparameterization (a projection acts after the step), σ(p) for `'softplus'`, (upper - lower) σ(p) σ(-p) for `'sigmoid'`. Throws as `slopeFromParameter`.
 *
 * @example
 * import { slopeByParameter } from 'reluminate';
 * slopeByParameter(0, { kind: 'softplus' }); // => 0.5
 */
export const slopeByParameter = (parameter: number, constraint: SlopeConstraint): number =>
  slopeByParameterUnder(
    checkConstraint('slopeByParameter', constraint),
    finite('slopeByParameter', 'parameter', parameter),
  );
