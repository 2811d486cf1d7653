/** A part of a convolutional network: a 3×3 convolution, max pooling by 2×2, or (only dense layers follow) a dense layer. */
export type CnnPart =
  | { readonly kind: 'conv'; readonly channels: number; readonly stride: 1 | 2 }
  | { readonly kind: 'pool' }
  | { readonly kind: 'dense'; readonly width: number };

/** Dense layers one after the other. */
export interface MlpArchitecture {
  readonly kind: 'mlp';
  /** Dimensions of one sample; more than one are flattened first. */
  readonly inputDims: readonly number[];
  /** Widths of the rectified layers. */
  readonly hidden: readonly number[];
  readonly outputs: number;
}

/** Convolutions and pooling, then dense layers. */
export interface CnnArchitecture {
  readonly kind: 'cnn';
  /** Channels, height, width. */
  readonly inputDims: readonly number[];
  readonly parts: readonly CnnPart[];
  readonly outputs: number;
}

/** A stage of a residual network: blocks of two 3×3 convolutions of as many channels; from the second stage on, the first has stride 2. */
export interface ResNetStage {
  readonly channels: number;
  readonly blocks: number;
}

/** A convolution, stages of residual blocks, the rectifier, the mean over all positions, a dense layer. */
export interface ResNetArchitecture {
  readonly kind: 'resnet';
  /** Channels, height, width. */
  readonly inputDims: readonly number[];
  readonly stages: readonly ResNetStage[];
  readonly outputs: number;
}

/** What a network is made of, as plain data: everything but its rectifier and its numbers. */
export type Architecture = MlpArchitecture | CnnArchitecture | ResNetArchitecture;

/** Equal neighbours as one with how often it occurs: `256x3`. */
function runs(items: readonly string[]): string[] {
  const found: [item: string, times: number][] = [];
  for (const item of items) {
    const last = found.at(-1);
    if (last && last[0] === item && /^\d+$/.test(item)) last[1]++;
    else found.push([item, 1]);
  }
  return found.map(([item, times]) => (times === 1 ? item : `${item}x${times}`));
}

const spellPart = (part: CnnPart): string =>
  part.kind === 'pool'
    ? 'pool'
    : part.kind === 'dense'
      ? `dense${part.width}`
      : `${part.channels}${part.stride === 2 ? '/2' : ''}`;

function middle(architecture: Architecture): string[] {
  switch (architecture.kind) {
    case 'mlp':
      return runs(architecture.hidden.map(String));
    case 'cnn':
      return runs(architecture.parts.map(spellPart));
    case 'resnet':
      return architecture.stages.map(({ channels, blocks }) => `${channels}x${blocks}`);
  }
}

/**
 * The text of an architecture, which `parseNetwork` reads.
 *
 * @example
 * import { formatNetwork, parseNetwork } from 'reluminate/train';
 * formatNetwork(parseNetwork('mlp:784-256-256-10')); // => "mlp:784-256x2-10"
 */
export const formatNetwork = (architecture: Architecture): string =>
  `${architecture.kind}:${[architecture.inputDims.join('x'), ...middle(architecture), architecture.outputs].join('-')}`;
