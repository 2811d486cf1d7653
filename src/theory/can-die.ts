import { checkRectifier, type Rectifier } from '../rectifiers/rectifier.js';

/** Where a flat stretch is looked for: initial pre-activations are of the order of 1, and every named rectifier has its bends within. */
const reach = 20;
const step = 1 / 64;

/**
 * Whether f′ is exactly 0 in float64 along some stretch of pre-activations within ±20, so that a unit can be without gradient for all
 * inputs: true for ReLU, ReLU6, thresholded ReLU, hard swish and a leaky rectifier of slope 0; false where f′ vanishes nowhere or at
 * single points only (leaky ReLU, PReLU, ELU, GELU, SiLU, …), and no unit, layer or network can be dead.
 *
 * @example
 * import { parseRectifier } from 'reluminate';
 * import { canDie } from 'reluminate/theory';
 * canDie(parseRectifier('relu')); // => true
 * canDie(parseRectifier('leaky:0.01')); // => false
 */
export function canDie(rectifier: Rectifier): boolean {
  checkRectifier('canDie', rectifier);
  const isFlat = (x: number) => rectifier.derivative(x) === 0 && rectifier.derivative(x + step / 2) === 0;
  for (let x = -reach; x < reach; x += step) if (isFlat(x)) return true;
  return false;
}

/** Whether the rectifier is max(x, 0): ReLU, or a leaky or parametric one of slope 0. */
export const isRelu = ({ name, parameters }: Rectifier): boolean =>
  name === 'relu' || (parameters.negativeSlope === 0 && /^(leaky|prelu):/.test(name));
