import { createRandom, type Random } from '../../random.js';
import { finite, positive, whole } from '../../rectifiers/parameters.js';
import type { Dataset } from '../dataset.js';

export interface PlaneOptions {
  /** How many points, dealt to the classes in turn (default 1000). */
  readonly count?: number | undefined;
  /** Standard deviation of the Gaussian noise added to each coordinate, 0 or more (default 0.05). */
  readonly noise?: number | undefined;
  /** The same seed gives the same points (default 0). */
  readonly seed?: number | undefined;
}

export interface ClassesOption {
  /** How many classes, 2 or more (default 3 spirals, 2 rings). */
  readonly classes?: number | undefined;
}

/** Where a point of a class lies before noise is added. */
type Place = (label: number, random: Random) => readonly [number, number];

function planeDataset(operation: string, classes: number, options: PlaneOptions, place: Place): Dataset {
  const { count = 1000, noise = 0.05, seed = 0 } = options;
  whole(operation, 'classes', classes, 2);
  whole(operation, 'count', count, 1);
  if (finite(operation, 'noise', noise) < 0)
    throw new RangeError(`${operation}: noise must be at least 0, got ${noise}`);
  const random = createRandom(whole(operation, 'seed', seed, 0));
  const targets = Int32Array.from({ length: count }, (_, index) => index % classes);
  const inputs = new Float32Array(2 * count);
  targets.forEach((label, index) => {
    const [x, y] = place(label, random);
    inputs[2 * index] = x + noise * random.normal();
    inputs[2 * index + 1] = y + noise * random.normal();
  });
  return { name: operation, count, inputs, inputDims: [2], targets, classes, outputs: classes };
}

/**
 * Arms of a spiral that wind around each other (two of them: Lang & Witbrock 1988, "Learning to tell two spirals apart"): class k of K
 * at radius r, uniform from 0 to 1, and angle 2π (turns r + k/K). A straight line tells none of them apart. Throws a RangeError for options that
 * are none.
 *
 * @example
 * import { spirals } from 'reluminate/train';
 * const data = spirals({ classes: 3, count: 300 });
 * [data.inputs.length, data.classes]; // => [600, 3]
 */
export function spirals({
  classes = 3,
  turns = 1,
  ...options
}: PlaneOptions & ClassesOption & { readonly turns?: number | undefined } = {}): Dataset {
  positive('spirals', 'turns', turns);
  return planeDataset('spirals', classes, options, (label, random) => {
    const radius = random.uniform();
    const angle = 2 * Math.PI * (turns * radius + label / classes);
    return [radius * Math.cos(angle), radius * Math.sin(angle)];
  });
}

/**
 * Two half circles of radius 1 that reach into each other: class 0 at (cos t, sin t), class 1 at (1 - cos t, 1/2 - sin t), t uniform from 0
 * to π. Throws a RangeError for options that are none.
 *
 * @example
 * import { moons } from 'reluminate/train';
 * Array.from(moons({ count: 4 }).targets); // => [0, 1, 0, 1]
 */
export const moons = (options: PlaneOptions = {}): Dataset =>
  planeDataset('moons', 2, options, (label, random) => {
    const angle = Math.PI * random.uniform();
    const [x, y] = [Math.cos(angle), Math.sin(angle)];
    return label === 0 ? [x, y] : [1 - x, 0.5 - y];
  });

/**
 * Circles around each other: class k of K at radius (k + 1)/K, at a uniform angle. Throws a RangeError for options that are none.
 *
 * @example
 * import { rings } from 'reluminate/train';
 * const { inputs } = rings({ count: 2, noise: 0 });
 * Math.hypot(inputs[0], inputs[1]).toFixed(4); // => "0.5000"
 */
export const rings = ({ classes = 2, ...options }: PlaneOptions & ClassesOption = {}): Dataset =>
  planeDataset('rings', classes, options, (label, random) => {
    const angle = 2 * Math.PI * random.uniform();
    const radius = (label + 1) / classes;
    return [radius * Math.cos(angle), radius * Math.sin(angle)];
  });
