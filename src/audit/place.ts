import type { RectifiedLayer } from './anatomy.js';
import type { ObservedLayer } from './instrument.js';

/** Why a layer cannot be observed, as a clause about it. */
export interface Unplaced {
  readonly reason: string;
  /** Whether the model folds the batch into another axis before the layer, so that it can be observed one sample at a time. */
  readonly isFolded: boolean;
}

const unplaced = (reason: string, isFolded = false): Unplaced => ({ reason, isFolded });

export const isPlaced = (layer: ObservedLayer | Unplaced): layer is ObservedLayer => 'positions' in layer;

/** Decides where samples and units lie in a rectifier's values, or says why that is unknown. */
export function place(
  layer: RectifiedLayer,
  dims: readonly number[] | undefined,
  samples: number,
): ObservedLayer | Unplaced {
  const { rectifier } = layer;
  if (rectifier.scope.parent)
    return unplaced(`it runs inside ${rectifier.scope.path}, whose values do not leave the engine`);
  if (!dims || dims.length === 0) return unplaced('its input has no axes');
  const rank = dims.length;
  const guess = layer.axis ?? (rank >= 4 ? 1 : rank - 1);
  const unitAxis = guess < 0 ? guess + rank : guess;
  const units = dims[unitAxis];
  if (units === undefined || (layer.units !== null && layer.units !== units))
    return unplaced(
      `its ${layer.units} units were expected on axis ${unitAxis}, got values of shape [${dims.join(', ')}]`,
    );
  const samplesFirst = unitAxis > 0 && dims[0] === samples;
  if (!samplesFirst && samples > 1)
    return unplaced(`its first axis must be the batch of ${samples}, got values of shape [${dims.join(', ')}]`, true);
  const elements = dims.reduce((a, b) => a * b, 1);
  const positions = elements / units / (samplesFirst ? samples : 1);
  if (!(positions >= 1)) return unplaced(`its values must not be empty, got shape [${dims.join(', ')}]`);
  return { rectifier, units, positions, dims, unitAxis, samplesFirst };
}
