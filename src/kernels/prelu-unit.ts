import {
  type PreluUnit,
  type PreluUnitGradients,
  preluUnitParameterGradients,
  preluUnitSlopes,
} from '../rectifiers/prelu-unit.js';
import { type ForwardOptions, forward } from './prelu.js';
import { type BackwardOptions, bothGradients } from './prelu-backward.js';

/**
 * `preluUnitForward` of a Float32Array at memory speed: `prelu` with the unit's slopes, clamped or reparameterized as its
 * constraint says.
 *
 * @example
 * import { createPreluUnit } from 'reluminate';
 * import { preluUnitForward } from 'reluminate/kernels';
 * Array.from(preluUnitForward(createPreluUnit(), Float32Array.of(-4, 4))); // => [-1, 4]
 */
export const preluUnitForward = <X extends Float32Array>(unit: PreluUnit, x: X, options: ForwardOptions = {}): X =>
  forward('preluUnitForward', x, preluUnitSlopes(unit), options);

/**
 * `preluUnitBackward` of Float32Arrays at memory speed: dx and the gradients of the slopes in one pass, and those of the parameters
 * behind them by the chain rule of the unit's constraint.
 *
 * @example
 * import { createPreluUnit } from 'reluminate';
 * import { preluUnitBackward } from 'reluminate/kernels';
 * const unit = createPreluUnit({ initial: 0.25, constraint: { kind: 'sigmoid', lower: 0, upper: 0.5 } });
 * const { dx, dparameters } = preluUnitBackward(unit, Float32Array.of(-4, 4), Float32Array.of(1, 1));
 * Array.from(dx); // => [0.25, 1]
 * Array.from(dparameters); // => [-0.5]
 */
export function preluUnitBackward<G extends Float32Array>(
  unit: PreluUnit,
  x: Float32Array,
  dy: G,
  options: BackwardOptions = {},
): PreluUnitGradients<G> {
  const { dx, dslopes } = bothGradients('preluUnitBackward', x, dy, preluUnitSlopes(unit), options);
  return { dx, dslopes, dparameters: preluUnitParameterGradients(unit, dslopes) };
}
