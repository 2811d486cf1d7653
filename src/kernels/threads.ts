import type { Crew } from './crew.js';
import type { Place } from './memory.js';
import { callFor, type Operation, sumsPerChannel } from './operation.js';
import { gather } from './parameters.js';
import { maskAt, sumsOf } from './regions.js';
import { addressIn, loadParameters } from './simd.js';
import { isResident, stretchAt, type WindowedStretch } from './stretches.js';

/** A memory with threads. */
export interface CrewedPlace extends Place {
  readonly crew: Crew;
}

/** Why a pass cannot be shared among the threads of a memory; null where it can. */
export function refusal({ inputs, output, mask, parameters }: Operation, place: Place | null): string | null {
  if (mask !== null) return "must be 'simd', 'js' or 'scalar' with a mask";
  if (place?.crew == null || [...inputs, output].some(array => array.buffer !== place.buffer))
    return "must not be 'threads' unless all arrays are allocated in one KernelMemory with threads";
  if (!isResident(parameters)) return `must not be 'threads' with so many channels (${parameters.slopes.length})`;
  return null;
}

/** Does a pass on all threads of the memory that its arrays are in, and returns the sums of its channels: of the
 * slopes, then of the biases. */
export function runThreads(operation: Operation, place: CrewedPlace): Float64Array {
  const { inputs, output, parameters } = operation;
  const threads = place.crew.size + 1;
  const channels = parameters.slopes.length;
  const unit = parameters.inner === 1 ? channels : 16;
  const share = Math.ceil(output.length / threads / unit) * unit;
  const kinds = sumsPerChannel(operation);
  const sums = Array.from({ length: threads * kinds }, (_, i) =>
    new Float64Array(place.buffer, sumsOf(Math.floor(i / kinds))[i % kinds], channels).fill(0),
  );
  loadParameters(place, parameters, 0, channels);
  const parts: WindowedStretch[] = [];
  for (let from = 0; from < output.length; from += parts.at(-1)!.count)
    parts.push(stretchAt(parameters, from, output.length, share));
  for (let next = 0; next < parts.length; next += threads)
    place.crew.work(
      parts.slice(next, next + threads).map((part, thread) =>
        callFor(operation, part, {
          inputs: inputs.map(input => addressIn(place, input, part.from) as number),
          output: addressIn(place, output, part.from) as number,
          mask: maskAt,
          sums: sumsOf(thread),
        }),
      ),
    );
  const total = new Float64Array(kinds * channels);
  sums.forEach((part, i) => {
    for (let c = 0; c < channels; c++) total[(i % kinds) * channels + c]! += part[c]!;
  });
  return gather(total, parameters);
}
