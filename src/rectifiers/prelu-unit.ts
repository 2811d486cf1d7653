import { asFloats, describe, type Elements, type FloatArray, type OutOption, type Result } from './floats.js';
import type { AtZeroOption } from './kink.js';
import type { LayoutOption } from './layout.js';
import { finite, refuseMisspelled, refuseNonObject, whole } from './parameters.js';
import { rectify } from './prelu.js';
import { backwardFor, type PreluGradients } from './prelu-backward.js';
import {
  checkConstraint,
  heldParameter,
  parameterUnder,
  type SlopeConstraint,
  slopeByParameterUnder,
  slopeUnder,
} from './slope-constraint.js';

/**
 * A PReLU with its learned slopes and what holds them: plain data, which `JSON.stringify` writes and `parsePreluUnit` reads. The
 * functions below return a new unit and leave the one given as it was.
 */
export interface PreluUnit {
  /** What the optimizer moves, one for each channel, or one that all share; the slopes themselves but for a reparameterization. */
  readonly parameters: readonly number[];
  /** The optimizer's velocity of each parameter. */
  readonly velocity: readonly number[];
  readonly constraint: SlopeConstraint;
}

export interface PreluUnitOptions {
  /** How many slopes: 1 (default) is shared by all channels. */
  readonly channels?: number | undefined;
  /** The slope, or one for each channel, to start from (default 0.25, He et al. 2015, section 2.1). */
  readonly initial?: number | readonly number[] | undefined;
  /** What holds the slopes (default nothing). */
  readonly constraint?: SlopeConstraint | undefined;
}

/** Most slopes in a unit: those of an activation of 64 million elements. */
const mostChannels = 2 ** 26;

/**
 * A new unit. Throws a RangeError for channels that are not a whole number from 1 to 2^26, another number of initial slopes, and slopes that the
 * constraint cannot hold.
 *
 * @example
 * import { createPreluUnit } from 'reluminate';
 * createPreluUnit({ channels: 2 }).parameters; // => [0.25, 0.25]
 */
export function createPreluUnit(options: PreluUnitOptions = {}): PreluUnit {
  const operation = 'createPreluUnit';
  refuseNonObject(operation, options, '{ channels: 64 }');
  refuseMisspelled(operation, options, 'channels', 'initial', 'constraint');
  const { channels = 1, initial = 0.25, constraint = { kind: 'none' } } = options;
  if (whole(operation, 'channels', channels, 1) > mostChannels)
    throw new RangeError(`${operation}: channels must be at most 2^26, got ${channels}`);
  const slopes = typeof initial === 'number' ? new Array<number>(channels).fill(initial) : initial;
  const given = asFloats(operation, 'initial', slopes);
  if (given.length !== channels)
    throw new RangeError(`${operation}: initial must have length ${channels} (channels), got ${given.length}`);
  const held = checkConstraint(operation, constraint);
  return {
    parameters: Array.from(given, slope => parameterUnder(held, slope, operation, 'initial')),
    velocity: new Array<number>(channels).fill(0),
    constraint: held,
  };
}

/**
 * The slopes as they are used: one for each channel, or one.
 *
 * @example
 * import { createPreluUnit, preluUnitSlopes } from 'reluminate';
 * preluUnitSlopes(createPreluUnit({ initial: 0.25, constraint: { kind: 'sigmoid', lower: 0, upper: 0.5 } })); // => [0.25]
 */
export const preluUnitSlopes = ({ parameters, constraint }: PreluUnit): number[] =>
  parameters.map(parameter => slopeUnder(constraint, parameter));

/**
 * y = `prelu(x, slopes)`.
 *
 * @example
 * import { createPreluUnit, preluUnitForward } from 'reluminate';
 * preluUnitForward(createPreluUnit(), [-4, 4]); // => [-1, 4]
 */
export const preluUnitForward = <X extends Elements>(
  unit: PreluUnit,
  x: X,
  options: LayoutOption & OutOption<X> = {},
): Result<X> => rectify('preluUnitForward', x, preluUnitSlopes(unit), options);

/** The gradients of a loss with respect to the input, the slopes and the parameters behind them. */
export interface PreluUnitGradients<G> extends PreluGradients<G> {
  /** ∂L/∂p = ∂L/∂a da/dp: the chain rule of the constraint. */
  readonly dparameters: Float64Array;
}

/**
 * The gradients of the parameters from those of the slopes, whatever computed them: ∂L/∂p = ∂L/∂a da/dp. Throws a RangeError where there
 * are not as many as channels.
 *
 * @example
 * import { createPreluUnit, preluUnitParameterGradients } from 'reluminate';
 * const unit = createPreluUnit({ initial: 0.25, constraint: { kind: 'sigmoid', lower: 0, upper: 0.5 } });
 * Array.from(preluUnitParameterGradients(unit, [-4])); // => [-0.5]
 */
export function preluUnitParameterGradients(
  { parameters, constraint }: PreluUnit,
  dslopes: ArrayLike<number>,
): Float64Array {
  if (dslopes.length !== parameters.length)
    throw new RangeError(
      `preluUnitParameterGradients: dslopes must have length ${parameters.length} (channels), got ${dslopes.length}`,
    );
  return Float64Array.from(parameters, (parameter, c) => dslopes[c]! * slopeByParameterUnder(constraint, parameter));
}

/**
 * All gradients at x, given dy = ∂L/∂y: as `preluBackward`, and those of the parameters.
 *
 * @example
 * import { createPreluUnit, preluUnitBackward } from 'reluminate';
 * const { dx, dslopes } = preluUnitBackward(createPreluUnit(), [-4, 4], [1, 1]);
 * dx; // => [0.25, 1]
 * Array.from(dslopes); // => [-4]
 */
export function preluUnitBackward<G extends FloatArray>(
  unit: PreluUnit,
  x: FloatArray,
  dy: G,
  options: LayoutOption & AtZeroOption & OutOption<G> = {},
): PreluUnitGradients<G> {
  const { dx, dslopes } = backwardFor('preluUnitBackward', x, dy, preluUnitSlopes(unit), options);
  return { dx, dslopes, dparameters: preluUnitParameterGradients(unit, dslopes) };
}

export interface PreluStepOptions {
  /** ε, above 0. */
  readonly learningRate: number;
  /** μ, what is kept of the velocity, from 0 up to but not including 1 (default 0). */
  readonly momentum?: number | undefined;
  /**
   * λ, at least 0: adds λ a to each slope's gradient. The default 0 is as it should be: decay pulls a towards 0, that is
   * towards ReLU (He et al. 2015, section 2.1).
   */
  readonly weightDecay?: number | undefined;
}

/**
 * One step of gradient descent with momentum, He et al. 2015, section 2.1: v ← μ v + ε ∂L/∂p, p ← p - v, then the projection
 * if there is one. With `'softplus'` and `'sigmoid'` p stops where float64 would round the slope to its bound. Takes the
 * slopes' gradients, from `preluUnitBackward` or any kernel, and applies the chain rule itself. Throws a RangeError for
 * gradients that are not finite and steps that overflow: the unit would be lost.
 *
 * @example
 * import { createPreluUnit, preluUnitStep } from 'reluminate';
 * const unit = createPreluUnit({ constraint: { kind: 'projection', lower: 0, upper: 1 } });
 * preluUnitStep(unit, [-1], { learningRate: 0.5 }).parameters; // => [0.75]
 * preluUnitStep(unit, [1], { learningRate: 0.5 }).parameters; // => [0]
 */
export function preluUnitStep(unit: PreluUnit, dslopes: FloatArray, options: PreluStepOptions): PreluUnit {
  const operation = 'preluUnitStep';
  refuseNonObject(operation, options, '{ learningRate: 0.01 }');
  refuseMisspelled(operation, options, 'learningRate', 'momentum', 'weightDecay');
  const { learningRate, momentum = 0, weightDecay = 0 } = options;
  const atLeast0 = (name: string, value: number) => {
    if (finite(operation, name, value) < 0)
      throw new RangeError(`${operation}: ${name} must be at least 0, got ${value}`);
  };
  atLeast0('learningRate', learningRate);
  atLeast0('momentum', momentum);
  atLeast0('weightDecay', weightDecay);
  if (momentum >= 1) throw new RangeError(`${operation}: momentum must be less than 1, got ${momentum}`);
  const given = asFloats(operation, 'dslopes', dslopes);
  if (given.length !== unit.parameters.length)
    throw new RangeError(
      `${operation}: dslopes must have length ${unit.parameters.length} (channels), got ${given.length}`,
    );
  const lost = given.findIndex(gradient => !Number.isFinite(gradient));
  if (lost >= 0) throw new RangeError(`${operation}: dslopes must be finite, got ${given[lost]} (channel ${lost})`);
  const slopes = preluUnitSlopes(unit);
  const gradients = preluUnitParameterGradients(
    unit,
    slopes.map((slope, c) => given[c]! + weightDecay * slope),
  );
  const velocity = unit.velocity.map((v, c) => momentum * v + learningRate * gradients[c]!);
  const moved = unit.parameters.map((parameter, c) => parameter - velocity[c]!);
  const overflow = moved.findIndex((parameter, c) => !Number.isFinite(parameter) || !Number.isFinite(velocity[c]));
  if (overflow >= 0)
    throw new RangeError(
      `${operation}: the step must be finite, got velocity ${velocity[overflow]} and parameter ${moved[overflow]} (channel ${overflow})`,
    );
  const parameters = moved.map(parameter => heldParameter(unit.constraint, parameter));
  return { parameters, velocity, constraint: unit.constraint };
}

/**
 * The unit that `JSON.stringify` wrote. Throws a SyntaxError for text that is not JSON, a TypeError or RangeError for JSON that is no unit.
 *
 * @example
 * import { createPreluUnit, parsePreluUnit } from 'reluminate';
 * parsePreluUnit(JSON.stringify(createPreluUnit())).parameters; // => [0.25]
 */
export function parsePreluUnit(text: string): PreluUnit {
  const operation = 'parsePreluUnit';
  const data: unknown = JSON.parse(text);
  if (typeof data !== 'object' || data === null || Array.isArray(data))
    throw new TypeError(`${operation}: the JSON must be a unit, got ${describe(data)}`);
  const { parameters, velocity, constraint } = data as PreluUnit;
  const numbers = (name: string, values: readonly number[]) => {
    if (!Array.isArray(values))
      throw new TypeError(`${operation}: ${name} must be an array of numbers, got ${describe(values)}`);
    return values.map((value: number, c) => finite(operation, `${name}[${c}]`, value));
  };
  const unit = { parameters: numbers('parameters', parameters), velocity: numbers('velocity', velocity) };
  whole(operation, 'the number of parameters', unit.parameters.length, 1);
  if (unit.velocity.length !== unit.parameters.length)
    throw new RangeError(
      `${operation}: velocity must have length ${unit.parameters.length} (that of parameters), got ${unit.velocity.length}`,
    );
  const held = checkConstraint(operation, constraint);
  unit.parameters.forEach((parameter, c) => {
    const slope = held.kind === 'projection' ? parameter : slopeUnder(held, parameter);
    parameterUnder(held, slope, operation, `the slope of parameters[${c}]`);
  });
  return { ...unit, constraint: held };
}
