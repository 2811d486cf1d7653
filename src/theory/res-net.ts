import { finite } from '../rectifiers/parameters.js';
import type { NetworkStructure } from './network-map.js';

/** Blocks in each of the four groups, and whether blocks are bottlenecks of three convolutions (else two). He et al. 2015 and 2016. */
const standard: ReadonlyMap<number, { readonly blocks: readonly number[]; readonly bottleneck: boolean }> = new Map([
  [18, { blocks: [2, 2, 2, 2], bottleneck: false }],
  [34, { blocks: [3, 4, 6, 3], bottleneck: false }],
  [50, { blocks: [3, 4, 6, 3], bottleneck: true }],
  [101, { blocks: [3, 4, 23, 3], bottleneck: true }],
  [152, { blocks: [3, 8, 36, 3], bottleneck: true }],
  [200, { blocks: [3, 24, 36, 3], bottleneck: true }],
]);

/** The depths that `resNet` knows. */
export const resNetDepths: readonly number[] = [...standard.keys()];

export interface ResNetOptions {
  /** w, what the shortcut is multiplied by, from 0 (no shortcuts, the default) to 1; the branch is multiplied by √(1 - w²). */
  readonly shortcutWeight?: number | undefined;
  /** 2 (the default) rectifies before each convolution, 1 after it and after each sum. */
  readonly version?: 1 | 2 | undefined;
}

/** Version 2: a group's first block has the convolution of its shortcut, where there is one, behind the block's first rectifier. */
function groupOfVersion2(
  blocks: number,
  layers: number,
  isProjected: boolean,
  shortcutWeight: number,
): NetworkStructure {
  const block = { branch: { depth: layers }, shortcutWeight };
  const first = isProjected ? { ...block, shortcut: { depth: 1 } } : block;
  return { chain: Array.from({ length: blocks }, (_, at) => (at === 0 ? first : block)) };
}

/** Version 1: the last convolution of a branch is not rectified, but the sum is; convolutions in shortcuts do not matter. */
function groupOfVersion1(blocks: number, layers: number, shortcutWeight: number): NetworkStructure {
  const block = { chain: [{ branch: { depth: layers - 1 }, shortcutWeight }, { depth: 1 }] };
  return { chain: Array.from({ length: blocks }, () => block) };
}

/**
 * The structure of a standard ResNet for images of 18, 34, 50, 101, 152 or 200 layers (He, Zhang, Ren & Sun 2015, "Deep residual learning"; 2016,
 * "Identity mappings"), with normalized sums as Zhang, Botev & Martens 2022 use them; pooling is left out. Throws a RangeError for
 * other depths and for weights outside [0, 1].
 *
 * @example
 * import { resNet, tailoredSlope } from 'reluminate/theory';
 * tailoredSlope(resNet(50, { shortcutWeight: 0.6 })).negativeSlope.toFixed(6); // => "0.316689"
 */
export function resNet(depth: number, { shortcutWeight = 0, version = 2 }: ResNetOptions = {}): NetworkStructure {
  const found = standard.get(depth);
  if (!found) throw new RangeError(`resNet: depth must be one of ${resNetDepths.join(', ')}, got ${depth}`);
  if (finite('resNet', 'shortcutWeight', shortcutWeight) < 0 || shortcutWeight > 1)
    throw new RangeError(`resNet: shortcutWeight must be from 0 to 1, got ${shortcutWeight}`);
  if (version !== 1 && version !== 2) throw new RangeError(`resNet: version must be 1 or 2, got ${version}`);
  const { blocks, bottleneck } = found;
  const layers = bottleneck ? 3 : 2;
  const groups = blocks.map((count, group) =>
    version === 2
      ? groupOfVersion2(count, layers, bottleneck || group > 0, shortcutWeight)
      : groupOfVersion1(count, layers, shortcutWeight),
  );
  // Version 1 rectifies behind its first convolution, version 2 before its last layer. (TAT's reference code puts it last in both.)
  return { chain: version === 2 ? [...groups, { depth: 1 }] : [{ depth: 1 }, ...groups] };
}
