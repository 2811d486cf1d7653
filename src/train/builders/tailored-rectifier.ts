import { leakyReluRectifier } from '../../rectifiers/leaky-relu.js';
import { preluRectifier } from '../../rectifiers/prelu.js';
import type { Rectifier } from '../../rectifiers/rectifier.js';
import type { NetworkStructure } from '../../theory/network-map.js';
import { tailoredSlope } from '../../theory/tailored-slope.js';
import type { Architecture } from './architecture.js';
import { toArchitecture } from './parse-network.js';
import { familyOf } from './rectifier-nodes.js';

export interface SkipOptions {
  /** Whether the blocks of a residual network have their shortcuts (default true). */
  readonly skips?: boolean | undefined;
  /** Whether its branches begin with an output of 0 (default false). */
  readonly zeroBranches?: boolean | undefined;
}

/**
 * How the rectified layers of an architecture are connected, for the theory of signals; pooling and strides are left out. Where weights
 * keep the variance, the branch of a residual block has that of its shortcut: each has half a share in their sum.
 */
export function structureOfNetwork(
  architecture: Architecture,
  { skips = true, zeroBranches = false }: SkipOptions = {},
): NetworkStructure {
  if (architecture.kind === 'mlp') return { depth: architecture.hidden.length };
  if (architecture.kind === 'cnn') return { depth: architecture.parts.filter(({ kind }) => kind !== 'pool').length };
  const shortcutWeight = !skips ? 0 : zeroBranches ? 1 : Math.SQRT1_2;
  const block = { branch: { depth: 2 }, shortcutWeight };
  const blocks = architecture.stages.flatMap((stage, at) =>
    Array.from({ length: stage.blocks }, (_, index) =>
      at > 0 && index === 0 ? { ...block, shortcut: { depth: 1 } } : block,
    ),
  );
  return { chain: [...blocks, { depth: 1 }] };
}

/**
 * Leaky ReLU or PReLU with the slope tailored to a network (Zhang, Botev & Martens 2022, "Deep learning without shortcuts"; see `tailoredSlope`): the one with
 * which it makes 0.9 of the correlation of orthogonal inputs. Null where there is none, because even ReLU stays below: the network is shallow
 * enough as it is. Throws a RangeError for other rectifiers and for networks without a rectified layer.
 *
 * @example
 * import { parseRectifier } from 'reluminate';
 * import { tailoredRectifier } from 'reluminate/train';
 * tailoredRectifier('mlp:784-256x50-10', parseRectifier('leaky')).parameters.negativeSlope.toFixed(4); // => "0.4305"
 * tailoredRectifier('mlp:784-256x2-10', parseRectifier('leaky')); // => null
 */
export function tailoredRectifier(
  network: string | Architecture,
  rectifier: Rectifier,
  options: SkipOptions = {},
): Rectifier | null {
  const family = familyOf(rectifier);
  if (family !== 'leaky' && family !== 'prelu')
    throw new RangeError(`tailoredRectifier: rectifier must be leaky or prelu, got '${rectifier.name}'`);
  const found = tailoredSlope(structureOfNetwork(toArchitecture(network), options));
  if (found === null) return null;
  return family === 'leaky' ? leakyReluRectifier(found.negativeSlope) : preluRectifier(found.negativeSlope);
}
