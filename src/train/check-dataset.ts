import { Failure } from '../failure.js';
import { describe } from '../rectifiers/floats.js';
import type { Dataset } from './dataset.js';
import { elements } from './rule.js';

/** What a model is trained on or evaluated with, for messages. */
export type DatasetPart = 'training data' | 'held-out data' | 'data';

const notFinite = (values: Float32Array | Int32Array): number =>
  (values as Float32Array).findIndex(value => !Number.isFinite(value));

/**
 * Throws a Failure, naming part and sample, unless a dataset is one: samples, arrays as long as they must be, finite numbers, classes from 0 to
 * `classes` - 1.
 */
export function checkDataset(operation: string, part: DatasetPart, data: Dataset): void {
  const { name, count, inputs, inputDims, targets, classes, outputs } = data;
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
  const perSample = classes === null ? outputs : 1;
  if (targets.length !== count * perSample) throw fail(`hold ${count} × ${perSample} targets`, `${targets.length}`);
  if (classes === null) {
    const target = notFinite(targets);
    if (target >= 0) throw fail('have finite targets', `${targets[target]} in sample ${Math.floor(target / outputs)}`);
    return;
  }
  const wrong = targets.findIndex(target => !(Number.isInteger(target) && target >= 0 && target < classes));
  if (wrong >= 0) throw fail(`have classes from 0 to ${classes - 1}`, `${targets[wrong]} in sample ${wrong}`);
}
