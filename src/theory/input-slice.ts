import { createRandom } from '../random.js';
import { describe } from '../rectifiers/floats.js';
import { finite, whole } from '../rectifiers/parameters.js';
import { initialize } from './initialize.js';

/** A line or a plane through the inputs: the point at coordinates s, t is origin + s·directions[0] + t·directions[1]. */
export interface Slice {
  readonly origin: readonly number[];
  readonly directions: readonly (readonly number[])[];
}

/**
 * A line (1 dimension) or plane (2) through the origin of the inputs in a random direction, evenly distributed, its axes orthonormal. Throws a RangeError for
 * other dimensions, fewer inputs than dimensions, and a seed that is not a whole number from 0 up.
 *
 * @example
 * import { randomSlice } from 'reluminate/theory';
 * randomSlice(2, 784, { seed: 1 }).directions.map(direction => direction.length); // => [784, 784]
 */
export function randomSlice(dimensions: 1 | 2, inputs: number, { seed = 0 }: { seed?: number } = {}): Slice {
  if (dimensions !== 1 && dimensions !== 2)
    throw new RangeError(`randomSlice: dimensions must be 1 or 2, got ${describe(dimensions)}`);
  whole('randomSlice', 'inputs', inputs, dimensions);
  const random = createRandom(whole('randomSlice', 'seed', seed, 0));
  const shape = { fanIn: inputs, fanOut: dimensions, rectifier: null };
  const { weights } = initialize({ ...shape, weightVariance: 1, biasVariance: 0, distribution: 'orthogonal' }, random);
  const directions = Array.from({ length: dimensions }, (_, k) => [...weights.subarray(k * inputs, (k + 1) * inputs)]);
  return { origin: new Array<number>(inputs).fill(0), directions };
}

/** The slice to use: the one given, once it fits, or the inputs themselves where there are just as many. */
export function sliceOf(operation: string, dimensions: number, inputs: number, slice: Slice | undefined): Slice {
  if (slice === undefined) {
    if (inputs !== dimensions)
      throw new RangeError(
        `${operation}: the network must have ${dimensions === 1 ? '1 input' : '2 inputs'} where no slice is given, got ${inputs}`,
      );
    const axes = Array.from({ length: inputs }, (_, k) => Array.from({ length: inputs }, (_, i) => Number(i === k)));
    return { origin: new Array<number>(inputs).fill(0), directions: axes };
  }
  if (slice.directions.length !== dimensions)
    throw new RangeError(`${operation}: slice must have ${dimensions} directions, got ${slice.directions.length}`);
  for (const vector of [slice.origin, ...slice.directions]) {
    if (vector.length !== inputs)
      throw new RangeError(
        `${operation}: the vectors of slice must have a number for each input, ${inputs}, got ${vector.length}`,
      );
    for (const value of vector) finite(operation, 'each number of slice', value);
  }
  if (!areIndependent(slice.directions))
    throw new RangeError(
      `${operation}: the directions of slice must span ${dimensions === 1 ? 'a line' : 'a plane'}, got ${dimensions === 1 ? 'zero' : 'ones that are parallel or zero'}`,
    );
  return slice;
}

/** Whether one direction is not zero, or two are not parallel either (to 1e-10 of the angle between them). */
function areIndependent(directions: readonly (readonly number[])[]): boolean {
  const units = directions.map(direction => {
    const largest = Math.max(...direction.map(Math.abs));
    const scaled = direction.map(value => value / largest);
    const length = Math.hypot(...scaled);
    return scaled.map(value => value / length);
  });
  const [first, second] = units as [number[], number[] | undefined];
  if (!units.flat().every(Number.isFinite)) return false;
  if (second === undefined) return true;
  const along = first.reduce((sum, value, at) => sum + value * second[at]!, 0);
  return Math.hypot(...second.map((value, at) => value - along * first[at]!)) > 1e-10;
}
