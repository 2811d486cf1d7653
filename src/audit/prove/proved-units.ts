import type { Pinned } from '../../onnx/channels.js';
import type { RectifiedLayer } from '../anatomy.js';
import { isFlatBelow } from '../verdict.js';
import type { LayerBounds } from './prove.js';
import { type ProvedBounds, provedBy } from './proved-bounds.js';

/** The proved bounds of one unit, null where there are none. */
export const boundsOfUnit = (bounds: LayerBounds | null | undefined, unit: number): ProvedBounds | null => {
  if (!bounds || !('lower' in bounds)) return null;
  const [lower, upper] = [bounds.lower[unit], bounds.upper[unit]];
  return lower !== undefined && upper !== undefined && Number.isFinite(lower) && Number.isFinite(upper)
    ? { lower, upper }
    : null;
};

/** Whether the negative side of a unit is flat at every position: slopes that differ by position are known by their mean only. */
export const isSurelyFlat = (layer: RectifiedLayer, unit: number): boolean => {
  const slopes = layer.rectifier.negativeSlope?.data ?? [];
  return isFlatBelow(layer, unit) && (slopes.length === layer.units || slopes.every(slope => slope === 0));
};

/**
 * The units that give 0 for every input in the box: proved never to fire, with a flat negative side. They are constant channels of the rectifiers' outputs.
 *
 * @example
 * import { dissect, provedConstants } from 'reluminate/audit';
 * import { floatTensor, graph, modelProto, node, valueInfo } from 'reluminate/onnx';
 * const main = graph({
 *   nodes: [node('Gemm', ['x', 'w'], ['z']), node('Relu', ['z'], ['h'])],
 *   inputs: [valueInfo('x', ['N', 1])],
 *   outputs: [valueInfo('h')],
 *   initializers: [floatTensor('w', [1, 2], [2, 1])],
 * });
 * const { layers } = dissect({ proto: modelProto(main), external: new Map(), name: 'm', bytes: 0 });
 * const bounds = [{ lower: Float64Array.of(-2, -2), upper: Float64Array.of(1, -1) }];
 * [...provedConstants(layers, bounds).get('h')]; // => [[1, 0]]
 */
export const provedConstants = (layers: readonly RectifiedLayer[], bounds: readonly LayerBounds[]): Pinned =>
  new Map(
    layers.flatMap((layer, index) => {
      const found = bounds[index];
      if (!found || !('lower' in found)) return [];
      const units = [...found.upper.keys()].filter(unit => {
        const proved = boundsOfUnit(found, unit);
        return proved && provedBy(layer.rectifier, proved) === 'dead' && isSurelyFlat(layer, unit);
      });
      return units.length > 0 ? [[layer.rectifier.output, new Map(units.map(unit => [unit, 0]))] as const] : [];
    }),
  );
