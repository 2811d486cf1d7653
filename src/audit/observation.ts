import { mergeTallies, type Tally, tallyFromJson, tallyToJson } from './tally.js';

/** What was counted of each rectifier, in the order of the graph; a layer that could not be observed has a reason in place of a tally. */
export interface Observation {
  readonly samples: number;
  /** Dimensions of the first batch, by input. */
  readonly inputs: Readonly<Record<string, readonly number[]>>;
  readonly layers: readonly { readonly name: string; readonly tally: Tally | null; readonly reason: string | null }[];
}

/**
 * What two parts of the data say together, for example from two processes that each took half of it. Throws a RangeError for
 * observations of different models.
 *
 * @example
 * import { addFiring, emptyTally, mergeObservations } from 'reluminate/audit';
 * const observed = signals => {
 *   const tally = emptyTally(2);
 *   for (const signal of signals) addFiring(tally, signal, signal, 0);
 *   return { samples: signals.length, inputs: { x: [1, 2] }, layers: [{ name: 'h', tally, reason: null }] };
 * };
 * const all = mergeObservations(observed([[1, 0]]), observed([[0, 0], [2, 0]]));
 * [all.samples, ...all.layers[0].tally.fired]; // => [3, 2, 0]
 */
export function mergeObservations(a: Observation, b: Observation): Observation {
  const names = (of: Observation) => JSON.stringify(of.layers.map(layer => [layer.name, layer.tally?.units]));
  if (names(a) !== names(b))
    throw new RangeError('mergeObservations: both must be of the same model, got different layers');
  return {
    samples: a.samples + b.samples,
    inputs: a.inputs,
    layers: a.layers.map((layer, index) => {
      const other = b.layers[index]?.tally;
      return layer.tally && other ? { ...layer, tally: mergeTallies(layer.tally, other) } : layer;
    }),
  };
}

/**
 * An observation as JSON, to be merged by another process.
 *
 * @example
 * import { emptyTally, observationToJson } from 'reluminate/audit';
 * const layers = [{ name: 'h', tally: emptyTally(2), reason: null }];
 * const { samples, layers: [layer] } = observationToJson({ samples: 0, inputs: { x: [1, 2] }, layers });
 * [samples, layer.name, layer.tally.fired]; // => [0, "h", [0, 0]]
 */
export const observationToJson = (observation: Observation) => ({
  ...observation,
  layers: observation.layers.map(layer => ({ ...layer, tally: layer.tally && tallyToJson(layer.tally) })),
});

/**
 * Reads an observation back from JSON.
 *
 * @example
 * import { emptyTally, observationFromJson, observationToJson } from 'reluminate/audit';
 * const layers = [{ name: 'h', tally: emptyTally(1), reason: null }];
 * const text = JSON.stringify(observationToJson({ samples: 0, inputs: { x: [1, 2] }, layers }));
 * const { tally } = observationFromJson(JSON.parse(text)).layers[0];
 * [tally.full.min[0] === Infinity, tally.fired instanceof Float64Array]; // => [true, true]
 */
export const observationFromJson = (json: ReturnType<typeof observationToJson>): Observation => ({
  ...json,
  layers: json.layers.map(layer => ({ ...layer, tally: layer.tally && tallyFromJson(layer.tally) })),
});
