import { Failure } from '../failure.js';
import { describe } from '../rectifiers/floats.js';
import type { Dataset } from './dataset.js';
import { elements } from './rule.js';

/** What a model is trained on or evaluated with, for messages. */
export type DatasetPart = 'training data' | 'held-out data' | 'data';

const notFinite = (values: Float32Array | Int32Array): number =>
  (values as Float32Array).findIndex(value => !Number.isFinite(value));

/** Where the first target is that is no class below `classes`, -1 where all are; with several positions in a sample those below 0 stand for none. */
export const notClass = (targets: Int32Array | Float32Array, classes: number, positions: number): number =>
  (targets as Float32Array).findIndex(
    target => !(Number.isInteger(target) && target < classes && (target >= 0 || positions > 1)),
  );

/** How many targets are classes: those below 0 are none. */
export const countClasses = (targets: Int32Array | Float32Array): number => {
  let count = 0;
  for (let i = 0; i < targets.length; i++) count += Number((targets[i] as number) >= 0);
  return count;
};

/**
 * Throws a Failure, naming part and sample, unless a dataset is one: samples, arrays as long as they must be, finite numbers, classes from 0 to
 * `classes` - 1, or below 0 where a position has none.
 */
export function checkDataset(operation: string, part: DatasetPart, data: Dataset): void {
  const { name, count, inputs, inputDims, targets, targetDims = [], classes, outputs } = data;
  const fail = (must: string, got: string) =>
    new Failure('input', `${operation}: ${part} '${name}' must ${must}, got ${got}`);
  if (!Number.isSafeInteger(count) || count < 1) throw fail('have a sample', `${count}`);
  const width = elements(inputDims);
  if (!Number.isSafeInteger(width) || width < 1)
    throw fail('have inputs', `samples with dimensions [${inputDims.join(', ')}]`);
  if (!(inputs instanceof Float32Array)) throw fail('hold its inputs as a Float32Array', describe(inputs));
  if (inputs.length !== count * width) throw fail(`hold ${count} × ${width} inputs`, `${inputs.length}`);
  const at = notFinite(inputs);
  if (at >= 0) throw fail('have finite inputs', `${inputs[at]} in sample ${Math.floor(at / width)}`);
  if (!(targets instanceof Int32Array) && !(targets instanceof Float32Array))
    throw fail('hold its targets as an Int32Array or Float32Array', describe(targets));
  const positions = elements(targetDims);
  if (!Number.isSafeInteger(positions) || positions < 1)
    throw fail('have targets', `samples with targets of dimensions [${targetDims.join(', ')}]`);
  if (classes === null && targetDims.length > 0 && positions !== outputs)
    throw fail(`have targets of ${outputs} numbers`, `targetDims [${targetDims.join(', ')}]`);
  const perSample = classes === null ? outputs : positions;
  if (targets.length !== count * perSample) throw fail(`hold ${count} × ${perSample} targets`, `${targets.length}`);
  if (classes === null) {
    const target = notFinite(targets);
    if (target >= 0) throw fail('have finite targets', `${targets[target]} in sample ${Math.floor(target / outputs)}`);
    return;
  }
  const wrong = notClass(targets, classes, positions);
  if (wrong >= 0)
    throw fail(`have classes from 0 to ${classes - 1}`, `${targets[wrong]} in sample ${Math.floor(wrong / positions)}`);
  if (countClasses(targets) === 0) throw fail('have a class at some position', 'none');
}
