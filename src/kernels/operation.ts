import type { Noise } from '../rectifiers/rrelu-slopes.js';
import type { Call } from './binary.js';
import type { Parameters } from './parameters.js';
import { biasesAt, kinksAt, slopesAt } from './regions.js';

interface OperationOf<Kernel> {
  readonly kernel: Kernel;
  /** x; x and dy; dy where a mask stands for x; or y and dy where a mask has the signs of x. All of one length. */
  readonly inputs: readonly Float32Array[];
  readonly mask: Uint8Array | null;
  readonly output: Float32Array;
  readonly parameters: Parameters;
}

/** RReLU: the law of its slopes (lower, span, upper) lies where others have slopes. */
interface NoisyOperation extends OperationOf<'rrelu'> {
  readonly noise: Noise;
}

/** A pass over a tensor, checked and ready for the WebAssembly kernels. */
export type Operation =
  | OperationOf<'relu' | 'reluBackward' | 'forward' | 'forwardBias' | 'backward' | 'backwardBias' | 'mask'>
  | NoisyOperation;

/** The sums that a pass makes for each channel: what its slope is taught and, with a bias, what that is; none where the pass is not a backward one. */
export const sumsPerChannel = ({ kernel }: Operation): number =>
  kernel === 'backwardBias' ? 2 : kernel === 'backward' ? 1 : 0;

const words = (index: number): [number, number] => [index % 2 ** 32, Math.floor(index / 2 ** 32)];

/** The call of RReLU: the first input has the signs, the last is rectified; where sums go others, it works. */
function noisyCall(noise: Noise, { from, count }: Stretch, { inputs, output, sums }: Addresses): Call {
  const { key, stream, offset, inverted } = noise;
  const arrays = [inputs[0]!, inputs.at(-1)!, output];
  return ['rrelu', ...arrays, count, ...words(offset + from), ...key, ...stream, slopesAt, Number(inverted), sums[0]];
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
  /** The sums of the slopes and of the biases; where there are none, room to work in. */
  readonly sums: readonly [number, number];
}

/** The call that does a stretch. */
export function callFor(operation: Operation, stretch: Stretch, at: Addresses): Call {
  if (operation.kernel === 'rrelu') return noisyCall(operation.noise, stretch, at);
  const { kernel, mask, parameters } = operation;
  if (kernel === 'relu' || kernel === 'reluBackward') return [kernel, ...at.inputs, at.output, stretch.count];
  const { inner, biases, kinks } = parameters;
  const { count, channel, within, channels } = stretch;
  const kinds = sumsPerChannel(operation);
  const values = mask === null || kinds > 0 ? [...at.inputs] : [at.mask, stretch.from % 8, ...at.inputs];
  values.push(at.output, count);
  if (inner === 1) values.push(channels);
  else values.push(channel, within, channels, Math.min(inner, 2 ** 32 - 1));
  values.push(slopesAt);
  if (biases !== null) values.push(biasesAt);
  if (kinds > 0) values.push(kinks === null ? 0 : kinksAt, ...at.sums.slice(0, kinds));
  return [inner === 1 ? `${kernel}Rows` : `${kernel}Runs`, ...values];
}
