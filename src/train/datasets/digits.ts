import type { Split } from '../dataset.js';
import { readPackageJson } from './package-json.js';
import { splitDataset } from './split.js';

const side = 28;
const pixels = side * side;

/** The images of one class, one after the other, pixels from 0 to 1. */
async function imagesOf(digit: number): Promise<readonly number[]> {
  const { data } = (await readPackageJson(`mnist/src/digits/${digit}.json`)) as { data: readonly number[] };
  return data;
}

/**
 * Handwritten digits: the 10,000 images of MNIST (LeCun, Bottou, Bengio & Haffner 1998) that the package `mnist` holds, [1, 28, 28] with
 * pixels from 0 to 1. 8,000 to train on and 2,000 held out: a fifth of each class, rounded, drawn once and for all (`splitDataset` with seed 0). Reads 20 MB of JSON, for Node. Throws a Failure where the package is not installed.
 *
 * @example
 * import { digits } from 'reluminate/datasets';
 * const { train, test } = await digits();
 * [train.count, test.count, train.inputDims]; // => [8000, 2000, [1, 28, 28]]
 */
export async function digits(): Promise<Split> {
  const images = await Promise.all(Array.from({ length: 10 }, (_, digit) => imagesOf(digit)));
  const counts = images.map(data => data.length / pixels);
  const count = counts.reduce((a, b) => a + b, 0);
  const inputs = new Float32Array(count * pixels);
  const targets = new Int32Array(count);
  let start = 0;
  images.forEach((data, digit) => {
    inputs.set(data, start * pixels);
    targets.fill(digit, start, start + (counts[digit] as number));
    start += counts[digit] as number;
  });
  const all = { name: 'digits', count, inputs, inputDims: [1, side, side], targets, classes: 10, outputs: 10 };
  return splitDataset(all, { testShare: 0.2, seed: 0 });
}
