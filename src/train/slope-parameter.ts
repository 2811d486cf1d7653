import { Failure } from '../failure.js';
import { parameterUnder, type SlopeConstraint, slopeUnder } from '../rectifiers/slope-constraint.js';
import type { Parameter } from './parameters.js';
import type { Writer } from './writer.js';

/** Whether something stands behind the slopes that is learned in their place. */
export const isReparameterized = ({ kind }: SlopeConstraint): boolean => kind === 'softplus' || kind === 'sigmoid';

/** What the parameter is multiplied by to give slopes. Throws a Failure where they are no multiple of it, so that nothing can hold them. */
function factorOf({ name, factor }: Parameter, { kind }: SlopeConstraint): number {
  if (kind === 'none') return 1;
  if (!factor)
    throw new Failure(
      'input',
      `train: slopes under a constraint must be a multiple of their parameter, got another form of '${name}'`,
    );
  return factor;
}

/** Writes the parameter as what is learned in its place gives it: the slopes (`slopeFromParameter`) over its factor. */
export function parameterNode(
  writer: Writer,
  learned: string,
  parameter: Parameter,
  constraint: SlopeConstraint,
): string {
  const divided = (slope: string) => {
    const factor = factorOf(parameter, constraint);
    return factor === 1 ? slope : writer.op('Div', [slope, writer.scalar(factor)]);
  };
  if (constraint.kind === 'softplus') return divided(writer.op('Softplus', [learned]));
  if (constraint.kind !== 'sigmoid') return learned;
  const { lower, upper } = constraint;
  const scaled = writer.op('Mul', [writer.op('Sigmoid', [learned]), writer.scalar(upper - lower)]);
  return divided(writer.op('Add', [scaled, writer.scalar(lower)]));
}

/** Writes the moved parameter within its projection's bounds, which are those of the slopes. */
export function projectedNode(
  writer: Writer,
  value: string,
  parameter: Parameter,
  constraint: SlopeConstraint,
): string {
  if (constraint.kind !== 'projection') return value;
  const factor = factorOf(parameter, constraint);
  const bounds = [constraint.lower, constraint.upper].map(limit =>
    limit === undefined ? '' : writer.scalar(limit / factor),
  );
  return writer.op('Clip', [value, ...(factor > 0 ? bounds : bounds.reverse())]);
}

/** The numbers that learning begins with. Throws a Failure for slopes that the constraint does not allow. */
export function learnedFromValues(
  values: Float32Array,
  parameter: Parameter,
  constraint: SlopeConstraint,
): Float32Array {
  if (constraint.kind === 'none') return values;
  const factor = factorOf(parameter, constraint);
  return values.map((value, index) => {
    const slope = value * factor;
    try {
      const learned = parameterUnder(constraint, slope);
      return isReparameterized(constraint) ? learned : value;
    } catch (cause) {
      throw new Failure(
        'usage',
        `train: the slopes of '${parameter.name}' must be allowed by the constraint '${constraint.kind}', got ${slope} (element ${index})`,
        { cause },
      );
    }
  });
}

/** The parameter's numbers from what was learned in its place. */
export function valuesFromLearned(
  learned: Float32Array,
  parameter: Parameter,
  constraint: SlopeConstraint,
): Float32Array {
  if (!isReparameterized(constraint)) return learned;
  const factor = factorOf(parameter, constraint);
  return learned.map(each => slopeUnder(constraint, each) / factor);
}
