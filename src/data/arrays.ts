import { createReadStream } from 'node:fs';
import { Failure } from '../failure.js';
import type { InputSpec, TensorData } from '../onnx/tensor-data.js';
import type { SampleReader } from './batches.js';
import type { Chunks } from './bytes.js';
import { type ArrayHeader, type Match, matchArrays, pairNames, toInputTensor } from './match.js';
import { type ArrayReader, openNpy } from './npy.js';
import { listNpz, type NpzSource, openNpzMember } from './npz.js';

/** An array in a file: what is read only once it is known to be needed. */
export interface ArrayFile {
  /** The array's name, or that of the input it is to feed; '' where there is none. */
  readonly name: string;
  /** Reads type and dims. */
  header(): Promise<ArrayHeader>;
  /** Opens the array for reading from its first row. */
  open(): Promise<ArrayReader>;
}

/** Arrays that belong together, sample by sample. */
export interface ArraySet {
  /** What errors about it start with. */
  readonly label: string;
  readonly arrays: readonly ArrayFile[];
}

/** An array set matched to a model's inputs. */
export interface MatchedSet {
  readonly label: string;
  readonly match: Match;
  /** Names of arrays in the set that feed no input. */
  readonly unused: readonly string[];
  /** Opens the arrays that feed an input and reads them sample by sample; see `toInputTensor` for what it throws. */
  open(): Promise<SampleReader>;
}

const pieceBytes = 2 ** 18;

/** The array in an NPY file of `size` bytes. */
export function npyFile(path: string, name: string, size: number, label: string): ArrayFile {
  return reopenable(name, () => openNpy(createReadStream(path, { highWaterMark: pieceBytes }), label, size));
}

/** The array in a stream of NPY bytes, which can be read once. */
export async function npyStream(chunks: Chunks, label: string): Promise<ArrayFile> {
  const reader = await openNpy(chunks, label);
  let opened = false;
  return {
    name: '',
    header: async () => ({ name: '', type: reader.type, dims: reader.dims }),
    open: async () => {
      if (opened) throw new Failure('input', `${label}: must be a file to be read again, got a stream`);
      opened = true;
      return reader;
    },
  };
}

/** The arrays of an NPZ archive. */
export async function npzArrays(source: NpzSource, label: string): Promise<ArrayFile[]> {
  const members = await listNpz(source, label);
  return members.map(member => reopenable(member.name, () => openNpzMember(source, member, label)));
}

/** Matches a set's arrays to a model's inputs, reading the headers of those that are needed; throws the Failures of `matchArrays`. */
export async function matchSet(
  { label, arrays }: ArraySet,
  specs: readonly InputSpec[],
  allowNonFinite: boolean,
): Promise<MatchedSet> {
  const names = arrays.map(array => array.name);
  const inputs = specs.map(spec => spec.name);
  const needed = pairNames(inputs, names, label).map(name => arrays[names.indexOf(name)]!);
  const headers: ArrayHeader[] = [];
  for (const array of needed) headers.push(await array.header());
  const match = matchArrays(specs, headers, label);
  return {
    label,
    match,
    unused: arrays.filter(array => !needed.includes(array)).map(array => array.name),
    open: async () => matchedReader(await openAll(needed), match, label, allowNonFinite),
  };
}

function reopenable(name: string, open: () => Promise<ArrayReader>): ArrayFile {
  const header = async () => {
    const { type, dims, close } = await open();
    await close();
    return { name, type, dims };
  };
  return { name, header, open };
}

async function openAll(arrays: readonly ArrayFile[]): Promise<ArrayReader[]> {
  const readers: ArrayReader[] = [];
  try {
    for (const array of arrays) readers.push(await array.open());
    return readers;
  } catch (error) {
    await closeAll(readers);
    throw error;
  }
}

async function closeAll(readers: readonly ArrayReader[]): Promise<void> {
  await Promise.all(readers.map(reader => reader.close()));
}

/** Reads matched arrays side by side; `readers` are in the order of the inputs. */
function matchedReader(
  readers: readonly ArrayReader[],
  match: Match,
  label: string,
  allowNonFinite: boolean,
): SampleReader {
  const constants = new Map<string, TensorData>();
  let first = 0;

  async function read(index: number, rows: number): Promise<[string, TensorData]> {
    const input = match.inputs[index]!;
    const { name } = input.input;
    const known = constants.get(name);
    if (known !== undefined) return [name, known];
    const wanted = input.role === 'samples' ? rows : (input.array.dims[0] ?? 1);
    const tensor = toInputTensor((await readers[index]!.rows(wanted))!, input, { first, label, allowNonFinite });
    if (input.role === 'constant') constants.set(name, tensor);
    return [name, tensor];
  }

  return {
    async next(count) {
      const rows = Math.min(count, match.samples - first);
      if (rows === 0) return null;
      const feeds = await Promise.all(readers.map((_, index) => read(index, rows)));
      first += rows;
      return Object.fromEntries(feeds);
    },
    close: () => closeAll(readers),
  };
}
