import type { Call } from './binary.js';
import type { Parameters } from './parameters.js';
import { secondsAt, slopesAt } from './regions.js';

/** A pass over a tensor, checked and ready for the WebAssembly kernels. */
export interface Operation {
  readonly kernel: 'relu' | 'forward' | 'forwardBias' | 'backward' | 'mask';
  /** x; x and dy; or dy where a mask stands for x. All of one length. */
  readonly inputs: readonly Float32Array[];
  readonly mask: Uint8Array | null;
  readonly output: Float32Array;
  readonly parameters: Parameters;
}

/** A stretch of the tensor: which elements, and where their channels begin in the parameters as they lie in the memory. */
export interface Stretch {
  readonly from: number;
  readonly count: number;
  readonly channel: number;
  readonly within: number;
  /** Channels in the memory: all of them, or those of the stretch. */
  readonly channels: number;
}

/** Where the arrays of a stretch lie in the memory, in bytes. */
export interface Addresses {
  readonly inputs: readonly number[];
  readonly output: number;
  readonly mask: number;
  readonly sums: number;
}

/** The call that does a stretch. */
export function callFor({ kernel, mask, parameters }: Operation, stretch: Stretch, at: Addresses): Call {
  if (kernel === 'relu') return [kernel, ...at.inputs, at.output, stretch.count];
  const { inner, seconds } = parameters;
  const { count, channel, within, channels } = stretch;
  const values = mask === null ? [...at.inputs] : [at.mask, stretch.from % 8, ...at.inputs];
  values.push(at.output, count);
  if (inner === 1) values.push(channels);
  else values.push(channel, within, channels, Math.min(inner, 2 ** 32 - 1));
  values.push(slopesAt);
  if (kernel === 'forwardBias' || kernel === 'backward') values.push(seconds === null ? 0 : secondsAt);
  if (kernel === 'backward') values.push(at.sums);
  return [inner === 1 ? `${kernel}Rows` : `${kernel}Runs`, ...values];
}
