import { type Place, placeOf, scratchPlace } from './memory.js';
import { callFor, type Operation, sumsPerChannel } from './operation.js';
import { gather, type Parameters } from './parameters.js';
import { biasesAt, chunkLength, kinksAt, maskAt, slopesAt, stageBytes, stagesAt, sumsOf } from './regions.js';
import { isResident, stretchAt } from './stretches.js';

/** The memory that a pass works in: the first that holds one of its arrays, else the scratch one; null where WebAssembly SIMD is missing. */
export function placeFor(arrays: readonly Float32Array[]): Place | null {
  for (const array of arrays) {
    const place = placeOf(array);
    if (place !== undefined) return place;
  }
  return scratchPlace();
}

/** The address of element `from` of an array, null where it is not in the memory. */
export const addressIn = (place: Place, array: Float32Array, from: number): number | null =>
  array.buffer === place.buffer ? array.byteOffset + 4 * from : null;

/** The values of a part of an array, without a view where the part is the whole. */
const part = (values: Float32Array, from: number, count: number): Float32Array =>
  count === values.length ? values : values.subarray(from, from + count);

/** The address of a part of an input: where it is, or of its copy in stage `stage`. */
function bring(place: Place, input: Float32Array, from: number, count: number, stage: number): number {
  const address = addressIn(place, input, from);
  if (address !== null) return address;
  const staged = stagesAt + stage * stageBytes;
  place.floats.set(part(input, from, count), staged / 4);
  return staged;
}

function load({ floats }: Place, at: number, values: Float32Array, first: number, count: number): void {
  for (let c = 0; c < count; c++) floats[at / 4 + c] = values[first + c]!;
}

/** Copies the parameters of the channels from `first` on to where the kernels look for them. */
export function loadParameters(
  place: Place,
  { slopes, biases, kinks }: Parameters,
  first: number,
  count: number,
): void {
  load(place, slopesAt, slopes, first, count);
  if (biases !== null) load(place, biasesAt, biases, first, count);
  if (kinks !== null) load(place, kinksAt, kinks, first, count);
}

const loadMask = (place: Place, mask: Uint8Array, from: number, count: number): void =>
  place.bytes.set(mask.subarray(Math.floor(from / 8), Math.ceil((from + count) / 8)), maskAt);

/** Does a pass with SIMD on one thread, chunk by chunk, and returns the sums of its channels: of the slopes, then of the biases. */
export function runSimd(operation: Operation, place: Place): Float64Array {
  const { inputs, output, mask, parameters } = operation;
  const { floats, doubles, kernels } = place;
  const resident = isResident(parameters);
  const sums = sumsOf(0);
  const kinds = sumsPerChannel(operation);
  const total = new Float64Array(kinds * parameters.slopes.length);
  const outputStage = stagesAt + (inputs.length - 1) * stageBytes;
  if (resident) loadParameters(place, parameters, 0, parameters.slopes.length);
  for (let from = 0; from < output.length; ) {
    const stretch = stretchAt(parameters, from, output.length);
    const { count, channels, first } = stretch;
    if (!resident) loadParameters(place, parameters, first, channels);
    if (mask !== null) loadMask(place, mask, from, count);
    for (let kind = 0; kind < kinds; kind++) doubles.fill(0, sums[kind]! / 8, sums[kind]! / 8 + channels);
    const address = addressIn(place, output, from);
    const sources = inputs.map((input, stage) => bring(place, input, from, count, stage));
    if (kinds > 0 && mask !== null) {
      kernels.signed(maskAt, from % 8, sources[0]!, stagesAt, count);
      sources[0] = stagesAt;
    }
    const [kernel, ...values] = callFor(operation, stretch, {
      inputs: sources,
      output: address ?? outputStage,
      mask: maskAt,
      sums,
    });
    kernels[kernel](...values);
    if (address === null) output.set(floats.subarray(outputStage / 4, outputStage / 4 + count), from);
    for (let kind = 0; kind < kinds; kind++)
      for (let c = 0; c < channels; c++)
        total[kind * parameters.slopes.length + first + c]! += doubles[sums[kind]! / 8 + c]!;
    from += count;
  }
  return gather(total, parameters);
}

/** The sign mask of x, with SIMD, chunk by chunk. */
export function signMaskSimd(x: Float32Array, mask: Uint8Array, place: Place): void {
  for (let from = 0; from < x.length; from += chunkLength) {
    const count = Math.min(chunkLength, x.length - from);
    place.kernels.signMask(bring(place, x, from, count, 0), maskAt, count);
    mask.set(place.bytes.subarray(maskAt, maskAt + Math.ceil(count / 8)), from / 8);
  }
}
