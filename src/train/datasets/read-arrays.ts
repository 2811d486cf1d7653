import { readFile } from 'node:fs/promises';
import { readFailure } from '../../data/bytes.js';
import type { ArrayReader } from '../../data/npy.js';
import { openNpy } from '../../data/npy.js';
import { listNpz, openNpzMember } from '../../data/npz.js';
import { Failure } from '../../failure.js';
import type { Split } from '../dataset.js';
import { type ArrayPair, datasetFromArrays, type NamedTensor } from './from-arrays.js';
import { parseIdx } from './idx.js';
import { pairNames } from './npz-pairs.js';

/** What errors about a file start with. */
export const labelOf = (path: string): string => `dataset '${path}'`;

/** The bytes of a file. Throws a Failure that names it where it cannot be read. */
export const readBytes = (path: string): Promise<Buffer> =>
  readFile(path).catch(error => Promise.reject(readFailure(error, labelOf(path))));

async function readWhole(reader: ArrayReader, name: string): Promise<NamedTensor> {
  try {
    const tensor = await reader.rows(Math.max(1, reader.dims[0] ?? 1));
    return { ...tensor!, name };
  } finally {
    await reader.close();
  }
}

/** Arrays as read: a part to train on, and the test part where the file has one. */
export interface ReadArrays {
  readonly train: ArrayPair;
  readonly test: ArrayPair | null;
}

/** Inputs and targets of an NPZ archive; `target` names the array of targets. */
export async function readNpzPairs(path: string, target?: string): Promise<ReadArrays> {
  const label = labelOf(path);
  const members = await listNpz(path, label);
  const names = pairNames(
    members.map(({ name }) => name),
    path,
    target,
  );
  const read = async (name: string) =>
    readWhole(await openNpzMember(path, members.find(member => member.name === name)!, label), name);
  const pair = async ([inputs, targets]: readonly [string, string]) => ({
    inputs: await read(inputs),
    targets: await read(targets),
  });
  return { train: await pair(names.train), test: names.test && (await pair(names.test)) };
}

/** An NPY or IDX file, told apart by its first byte. */
async function readArray(path: string): Promise<NamedTensor> {
  const bytes = await readBytes(path);
  if (bytes[0] === 0x93) return readWhole(await openNpy([bytes], labelOf(path), bytes.length), path);
  return { ...parseIdx(bytes, path), name: path };
}

/** Two files of inputs and targets, or four, of which the last two are the test part; each NPY or IDX. */
export async function readFilePairs(paths: readonly string[]): Promise<ReadArrays> {
  if (paths.length !== 2 && paths.length !== 4)
    throw new Failure(
      'usage',
      `dataset: files must be inputs,targets or inputs,targets,test inputs,test targets, got ${paths.length} of them`,
    );
  const read: NamedTensor[] = [];
  for (const path of paths) read.push(await readArray(path));
  const [inputs, targets, testInputs, testTargets] = read;
  return {
    train: { inputs: inputs!, targets: targets! },
    test: testInputs ? { inputs: testInputs, targets: testTargets! } : null,
  };
}

/** Both parts as datasets of the same classes, once their samples have the same dimensions. */
export function splitOfPairs({ train, test }: { train: ArrayPair; test: ArrayPair }, label: string): Split {
  const first = datasetFromArrays(train, label);
  const second = datasetFromArrays(test, label, first.classes);
  const targetOf = ({ classes, outputs, targetDims }: typeof first) => {
    if (classes === null) return `numbers [${(targetDims ?? [outputs]).join(', ')}]`;
    return targetDims ? `classes at [${targetDims.join(', ')}] positions` : 'classes';
  };
  const describe = (part: typeof first) => `samples [${part.inputDims.join(', ')}] with ${targetOf(part)}`;
  if (describe(first) !== describe(second))
    throw new Failure(
      'input',
      `dataset '${label}': both parts must hold alike samples, got ${describe(first)} and ${describe(second)}`,
    );
  return { train: first, test: second };
}
